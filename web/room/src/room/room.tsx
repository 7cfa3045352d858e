import { RoomContext } from "@livekit/components-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useLocation } from "../router.tsx";
import { useSession } from "../session.tsx";
import { Empty } from "../ui/index.ts";
import { Call } from "./call.tsx";
import { Choose } from "./choose.tsx";
import { Talk } from "./talk.ts";
import { told } from "./variables.ts";
import "./room.css";

/** The test room: choose an agent, talk, see what it heard and where its time went. */
export function Room() {
  const { config } = useSession();
  const [talk, setTalk] = useState(() => new Talk());
  const shown = useSyncExternalStore(talk.subscribe, talk.snapshot);
  // `parley talk --persona` says whom.
  const [name, setName] = useState(useLocation().query.get("persona"));
  const [phone, setPhone] = useState(false);
  const [variables, setVariables] = useState<Record<string, string>>({});

  useEffect(() => () => void talk.hangUp(), [talk]);
  useEffect(() => {
    if (config?.livekit_url) talk.prepare(config.livekit_url);
  }, [talk, config]);

  const personas = config?.personas ?? [];
  const persona = personas.find((each) => each.name === name) ?? personas[0];
  if (!persona) {
    return (
      <Empty title="There is no persona to talk to">
        Put one into the folder <code>personas/</code>; <code>parley persona check</code> tells
        whether it can be used.
      </Empty>
    );
  }

  function another() {
    setPhone(shown.phone);
    setTalk(new Talk(talk));
  }

  const wanted = { persona: persona.name, vars: told(variables, persona.variables) };

  function again() {
    const next = new Talk(talk);
    setTalk(next);
    void next.start(wanted, shown.phone);
  }

  return (
    <RoomContext value={talk.room}>
      {shown.phase === "idle" ? (
        <Choose
          talk={talk}
          personas={personas}
          persona={persona}
          onPersona={setName}
          variables={variables}
          onVariable={(name, value) => setVariables((before) => ({ ...before, [name]: value }))}
          phone={phone}
          onPhone={setPhone}
          onTalk={() => void talk.start(wanted, phone)}
        />
      ) : (
        <Call talk={talk} shown={shown} persona={persona} onAgain={again} onAnother={another} />
      )}
    </RoomContext>
  );
}
