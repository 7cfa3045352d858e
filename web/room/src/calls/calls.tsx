import { useLocation } from "../router.tsx";
import { CallPage } from "./call.tsx";
import { LiveCalls } from "./live.tsx";
import { PastCalls } from "./past.tsx";
import { useLive } from "./use-live.ts";
import "./calls.css";

/** `/calls`: those that go on and those that are over; `/calls/ID`: one. */
export default function Calls() {
  const id = decodeURIComponent(useLocation().path.split("/")[2] ?? "");
  if (id) return <CallPage key={id} id={id} />;
  return <All />;
}

function All() {
  const live = useLive();
  return (
    <>
      <h1>Calls</h1>
      <LiveCalls live={live} />
      <PastCalls live={live.calls?.map(({ id }) => id).join() ?? ""} />
    </>
  );
}
