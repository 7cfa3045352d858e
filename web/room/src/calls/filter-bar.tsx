import { useEffect, useRef, useState } from "react";
import { useSession } from "../session.tsx";
import { Button, Choice, TextInput } from "../ui/index.ts";
import { type Filters, isNone, NONE } from "./filters.ts";
import { DIRECTIONS, OUTCOME_CHOICES } from "./words.ts";

const TYPED_MS = 350;
const ANY = { value: "", name: "Any" };

interface FilterBarProps {
  filters: Filters;
  change: (changed: Partial<Filters>) => void;
}

export function FilterBar({ filters, change }: FilterBarProps) {
  const { config } = useSession();
  const personas = (config?.personas ?? []).map(({ name }) => ({ value: name, name }));
  return (
    <search className="filters">
      <Search text={filters.text} change={(text) => change({ text })} />
      <Choice
        label="Outcome"
        value={filters.outcome}
        onChange={(event) => change({ outcome: event.target.value })}
        options={[ANY, ...OUTCOME_CHOICES]}
      />
      <Choice
        label="Agent"
        value={filters.persona}
        onChange={(event) => change({ persona: event.target.value })}
        options={[ANY, ...withOwn(personas, filters.persona)]}
      />
      <Choice
        label="Direction"
        value={filters.direction}
        onChange={(event) => change({ direction: event.target.value })}
        options={[ANY, ...DIRECTIONS]}
      />
      <Choice
        label="Test calls"
        value={filters.test}
        onChange={(event) => change({ test: event.target.value as Filters["test"] })}
        options={[
          { value: "", name: "With them" },
          { value: "false", name: "Without" },
          { value: "true", name: "Only" },
        ]}
      />
      <TextInput
        label="From"
        type="date"
        value={filters.from}
        max={filters.to || undefined}
        onChange={(event) => change({ from: event.target.value })}
      />
      <TextInput
        label="To"
        type="date"
        value={filters.to}
        min={filters.from || undefined}
        onChange={(event) => change({ to: event.target.value })}
      />
      {!isNone(filters) && (
        <Button look="quiet" onClick={() => change(NONE)}>
          Clear filters
        </Button>
      )}
    </search>
  );
}

/** Asked for when the fingers rest. */
function Search({ text, change }: { text: string; change: (text: string) => void }) {
  const [typed, setTyped] = useState(text);
  const sent = useRef(text);
  useEffect(() => {
    // By a step back, or by taking the filters away: not what has just been typed.
    if (text !== sent.current) {
      sent.current = text;
      setTyped(text);
    }
  }, [text]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is typed alone counts.
  useEffect(() => {
    if (typed === sent.current) return;
    const soon = setTimeout(() => {
      sent.current = typed;
      change(typed);
    }, TYPED_MS);
    return () => clearTimeout(soon);
  }, [typed]);
  return (
    <TextInput
      label="Search"
      type="search"
      value={typed}
      maxLength={100}
      placeholder="A word, or the end of a number"
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}

/** One that is no longer there may still be asked for. */
function withOwn(options: { value: string; name: string }[], own: string) {
  const known = !own || options.some(({ value }) => value === own);
  return known ? options : [...options, { value: own, name: own }];
}
