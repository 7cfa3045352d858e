import type { ComponentProps } from "react";

interface ButtonProps extends ComponentProps<"button"> {
  /** `primary`: what the page is for, once. `quiet`: beside text. */
  look?: "primary" | "plain" | "quiet";
  /** A toggle's state; absent for a button that is none. */
  pressed?: boolean;
}

export function Button({ look = "plain", pressed, className = "", ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      aria-pressed={pressed}
      className={`button button-${look} ${className}`}
    />
  );
}
