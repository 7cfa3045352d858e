import type { ReactNode } from "react";
import { Table } from "../ui/index.ts";
import type { WholeCall } from "./types.ts";
import { usageOf } from "./usage.ts";
import { clock } from "./words.ts";

/** What the call took, who was on its line, and its downloads. */
export function Facts({ call, path }: { call: WholeCall; path: string }) {
  const usage = usageOf(call);
  return (
    <>
      <section aria-labelledby="usage-heading" className="calls-part">
        <h2 id="usage-heading">What it took</h2>
        {usage.length > 0 ? (
          <Table
            caption="Costs by part"
            rows={usage}
            id={({ part }) => part}
            columns={[
              { name: "Part", cell: ({ part }) => part },
              { name: "Used", figures: true, cell: ({ used }) => used },
            ]}
          />
        ) : (
          <p className="calls-quiet">Nothing is known of it yet.</p>
        )}
      </section>
      {call.legs.length > 0 && <Legs call={call} />}
      {call.extracted && (
        <section aria-labelledby="extracted-heading" className="calls-part">
          <h2 id="extracted-heading">Found in it</h2>
          <dl className="tool">
            {Object.entries(call.extracted).map(([name, value]) => (
              <Pair
                key={name}
                name={name}
                value={typeof value === "string" ? value : JSON.stringify(value)}
              />
            ))}
          </dl>
        </section>
      )}
      <section aria-labelledby="away-heading" className="calls-part">
        <h2 id="away-heading">Download</h2>
        <ul className="take-away">
          {call.recorded && (
            <li>
              <a href={`${path}/recording`} download>
                Recording
              </a>
            </li>
          )}
          <Download path={path} format="text">
            Transcript
          </Download>
          <Download path={path} format="json">
            All of it as JSON
          </Download>
          <Download path={path} format="csv">
            A line of CSV
          </Download>
        </ul>
        <p className="calls-quiet">
          In the files numbers of telephones and cards are masked. In the recording they are heard.
        </p>
      </section>
    </>
  );
}

function Download({
  path,
  format,
  children,
}: {
  path: string;
  format: string;
  children: ReactNode;
}) {
  return (
    <li>
      <a href={`${path}/export?format=${format}`} download>
        {children}
      </a>
    </li>
  );
}

function Legs({ call }: { call: WholeCall }) {
  const began = Date.parse(call.started_at);
  const after = (iso: string | null) =>
    iso ? clock((Date.parse(iso) - began) / 1000) : call.ended_at ? "–" : "Still there";
  return (
    <section aria-labelledby="legs-heading" className="calls-part">
      <h2 id="legs-heading">Who was on the line</h2>
      <Table
        caption="Who was on the line, and when"
        rows={call.legs}
        id={({ identity, joined_at }) => `${identity} ${joined_at}`}
        columns={[
          { name: "Who", cell: ({ number, identity }) => number ?? identity },
          { name: "Came", figures: true, cell: ({ joined_at }) => after(joined_at) },
          { name: "Left", figures: true, cell: ({ left_at }) => after(left_at) },
        ]}
      />
    </section>
  );
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </>
  );
}
