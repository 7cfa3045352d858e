import { useMediaDeviceSelect } from "@livekit/components-react";
import { Choice } from "../ui/index.ts";
import type { Talk } from "./talk.ts";

const KINDS = [
  { kind: "audioinput", label: "Microphone" },
  { kind: "audiooutput", label: "Loudspeaker" },
] as const;

/** Browsers name devices only once the microphone was allowed. */
export function Devices({ talk }: { talk: Talk }) {
  return (
    <div className="devices">
      {KINDS.map(({ kind, label }) => (
        <Device key={kind} talk={talk} kind={kind} label={label} />
      ))}
    </div>
  );
}

interface DeviceProps {
  talk: Talk;
  kind: "audioinput" | "audiooutput";
  label: string;
}

function Device({ talk, kind, label }: DeviceProps) {
  const { devices, activeDeviceId } = useMediaDeviceSelect({ kind, room: talk.room });
  const named = devices.filter((device) => device.label);
  const options = named.map(({ deviceId, label: name }) => ({ value: deviceId, name }));
  if (!options.length) options.push({ value: "default", name: "As the system has it" });
  return (
    <Choice
      label={label}
      options={options}
      value={options.some(({ value }) => value === activeDeviceId) ? activeDeviceId : "default"}
      disabled={options.length < 2}
      onChange={(event) => void talk.choose(kind, event.target.value)}
    />
  );
}
