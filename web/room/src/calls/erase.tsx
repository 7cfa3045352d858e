import { useState } from "react";
import { request } from "../api.ts";
import { navigate } from "../router.tsx";
import { Button } from "../ui/index.ts";
import { Ask, useOrder } from "./orders.tsx";

/** Of a call that is over. */
export function Erase({ path }: { path: string }) {
  const [asked, setAsked] = useState(false);
  const close = () => setAsked(false);
  const order = useOrder(asked ? path : undefined, close);
  const erase = async () => {
    await request(path, { method: "DELETE" });
    navigate("/calls", { replace: true });
  };
  return (
    <section aria-labelledby="erase-heading" className="calls-part">
      <h2 id="erase-heading">Erase</h2>
      <p className="calls-quiet">With its transcript and its recording. Nothing brings it back.</p>
      <div>
        <Button onClick={() => setAsked(true)}>Erase this call…</Button>
      </div>
      <Ask
        open={asked}
        close={close}
        title="Erase this call?"
        act="Erase"
        order={order}
        onSubmit={() => order.run(erase)}
      >
        <p>All that is known of it is removed at once. It cannot be taken back.</p>
      </Ask>
    </section>
  );
}
