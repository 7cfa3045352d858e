import { type ComponentProps, type ReactNode, useId } from "react";

interface FieldProps {
  label: string;
  /** Below it, read with it. */
  hint?: ReactNode;
  /** What is wrong and how to mend it; read at once. */
  error?: ReactNode;
  children: (ids: { id: string; "aria-describedby": string | undefined }) => ReactNode;
}

/** A label, whatever control `children` makes with these ids, and what is said about it. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": hint || error ? about : undefined })}
      {(hint || error) && (
        <p
          id={about}
          className={error ? "field-error" : "field-hint"}
          role={error ? "alert" : undefined}
        >
          {error || hint}
        </p>
      )}
    </div>
  );
}

type TextProps = Omit<FieldProps, "children"> & ComponentProps<"input">;

export function TextInput({ label, hint, error, ...rest }: TextProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => <input type="text" {...rest} {...ids} aria-invalid={error ? true : undefined} />}
    </Field>
  );
}

type ChoiceProps = Omit<FieldProps, "children"> &
  ComponentProps<"select"> & { options: { value: string; name: string }[] };

export function Choice({ label, hint, error, options, ...rest }: ChoiceProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <select {...rest} {...ids}>
          {options.map(({ value, name }) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
