import type { Persona } from "../session.tsx";
import { Button, TextInput } from "../ui/index.ts";
import { Devices } from "./devices.tsx";
import type { Talk } from "./talk.ts";

interface ChooseProps {
  talk: Talk;
  personas: Persona[];
  persona: Persona;
  onPersona: (name: string) => void;
  /** As typed, by the persona's names. */
  variables: Record<string, string>;
  onVariable: (name: string, value: string) => void;
  phone: boolean;
  onPhone: (phone: boolean) => void;
  onTalk: () => void;
}

/** Characters of a value that a persona's text is given. */
const LONGEST = 200;

/** Before the call: a directory to choose from. */
export function Choose(props: ChooseProps) {
  const { talk, personas, persona, onPersona, phone, onPhone, onTalk } = props;
  return (
    <section className="choose">
      <h1>Who would you like to talk to?</h1>
      <fieldset className="directory">
        <legend className="unseen">Persona</legend>
        {personas.map((each) => (
          <label key={each.name} className="listing">
            <input
              type="radio"
              name="persona"
              value={each.name}
              checked={each === persona}
              onChange={() => onPersona(each.name)}
            />
            <span className="listing-name">{title(each.name)}</span>
            <span className="listing-language">{language(each.language)}</span>
            {each.greeting && (
              <q className="listing-greeting" lang={each.language}>
                {each.greeting}
              </q>
            )}
          </label>
        ))}
      </fieldset>
      <Variables {...props} />
      <div className="begin">
        <Button look="primary" className="button-talk" onClick={onTalk}>
          Talk to {title(persona.name)}
        </Button>
        <label className="check">
          <input
            type="checkbox"
            checked={phone}
            onChange={(event) => onPhone(event.target.checked)}
          />
          <span>
            Phone quality <small>both voices as over a telephone line</small>
          </span>
        </label>
      </div>
      <details className="options">
        <summary>Microphone and loudspeaker</summary>
        <Devices talk={talk} />
      </details>
    </section>
  );
}

/** What a program that has somebody called would tell the agent. */
function Variables({ persona, variables, onVariable }: ChooseProps) {
  const names = Object.entries(persona.variables);
  if (!names.length) return null;
  return (
    <fieldset className="variables">
      <legend>What {title(persona.name)} is told</legend>
      {names.map(([name, otherwise]) => (
        <TextInput
          key={name}
          label={title(name)}
          placeholder={otherwise}
          maxLength={LONGEST}
          autoComplete="off"
          value={variables[name] ?? ""}
          onChange={(event) => onVariable(name, event.target.value)}
        />
      ))}
    </fieldset>
  );
}

/** "night_desk" → "Night desk". */
export function title(name: string): string {
  const words = name.replace(/[-_]+/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function language(code: string): string {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
