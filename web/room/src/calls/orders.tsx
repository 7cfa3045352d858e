import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { Button, Dialog, Field, TextInput } from "../ui/index.ts";
import { asApiError } from "./remote.ts";
import type { LiveCall } from "./types.ts";
import { whomMasked } from "./words.ts";

interface OrderProps {
  /** Null: nothing is asked. */
  call: LiveCall | null;
  send: (call: LiveCall, what: string, body?: unknown) => Promise<{ result?: string } | null>;
  close: () => void;
}

export function HangUp({ call, send, close }: OrderProps) {
  const order = useOrder(call?.id, close);
  return (
    <Ask
      open={call !== null}
      close={close}
      title="Hang up?"
      act="Hang up"
      order={order}
      onSubmit={() => call && order.run(async () => void (await send(call, "hangup")))}
    >
      <p>
        The call with {call && whomMasked(call)} ends at once, without a goodbye. It cannot be taken
        back.
      </p>
    </Ask>
  );
}

export function Say({ call, send, close }: OrderProps) {
  const [text, setText] = useState("");
  const order = useOrder(call?.id, close, () => setText(""));
  return (
    <Ask
      open={call !== null}
      close={close}
      title="Have the agent say"
      act="Say it"
      order={order}
      onSubmit={() => call && order.run(async () => void (await send(call, "say", { text })))}
    >
      <Field label="Words" hint="Spoken as they stand, as soon as the agent does not speak.">
        {(ids) => (
          <textarea
            {...ids}
            required
            maxLength={1000}
            rows={3}
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
    </Ask>
  );
}

const FAILED: Record<string, string> = {
  busy: "It is busy there. The caller is still with the agent.",
  no_answer: "Nobody answered. The caller is still with the agent.",
  rejected: "The call was not taken there. The caller is still with the agent.",
  refused: "The line refuses transfers: its trunk must allow SIP REFER. The caller is still here.",
  caller_left: "The caller has hung up.",
  unreachable:
    "Nobody knows whether it worked: LiveKit did not answer. Look whether they are here.",
};

export function Transfer({ call, send, close }: OrderProps) {
  const [to, setTo] = useState("");
  const order = useOrder(call?.id, close, () => setTo(""));
  const transfer = async () => {
    if (!call) return;
    const { result = "" } =
      (await send(call, "transfer", { to: to.replace(/[\s().-]/g, "") })) ?? {};
    if (FAILED[result]) throw new Error(FAILED[result]);
  };
  return (
    <Ask
      open={call !== null}
      close={close}
      title="Transfer the caller"
      act="Transfer"
      order={order}
      onSubmit={() => void order.run(transfer)}
    >
      <TextInput
        label="To"
        type="tel"
        required
        autoComplete="off"
        value={to}
        onChange={(event) => setTo(event.target.value)}
        hint="A number with its country: +1 202 555 0142. The call leaves this agent when it is answered."
      />
    </Ask>
  );
}

interface Running {
  busy: boolean;
  problem: string | null;
  run: (order: () => Promise<void>) => void;
}

/** One try at a time, on the call with this id; the dialog closes after one that worked. */
export function useOrder(id: string | undefined, close: () => void, begin?: () => void): Running {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: begins anew with another call alone.
  useEffect(() => {
    setProblem(null);
    begin?.();
  }, [id]);
  const run = (order: () => Promise<void>) => {
    setBusy(true);
    setProblem(null);
    order()
      .then(close)
      .catch((error: unknown) => {
        setProblem(error instanceof Error ? error.message : asApiError(error).message);
      })
      .finally(() => setBusy(false));
  };
  return { busy, problem, run };
}

interface AskProps {
  open: boolean;
  close: () => void;
  title: string;
  act: string;
  order: Running;
  onSubmit: () => void;
  children: ReactNode;
}

/** Before anything is done. */
export function Ask({ open, close, title, act, order, onSubmit, children }: AskProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit();
  };
  return (
    <Dialog open={open} title={title} onClose={close}>
      <form className="order" onSubmit={submit}>
        {children}
        {order.problem && (
          <p role="alert" className="calls-problem">
            {order.problem}
          </p>
        )}
        <div className="order-buttons">
          <Button onClick={close}>Cancel</Button>
          <Button look="primary" type="submit" disabled={order.busy} aria-busy={order.busy}>
            {act}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
