interface LevelProps {
  label: string;
  /** 0 to 1. */
  value: number;
}

const STEPS = 12;

/** How loud a voice is, as a row of ticks. */
export function Level({ label, value }: LevelProps) {
  const lit = Math.round(Math.min(1, Math.max(0, value)) * STEPS);
  return (
    // biome-ignore lint/a11y/useSemanticElements: <meter> cannot be drawn otherwise in every browser.
    <div
      className="level"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round((lit / STEPS) * 100)}
    >
      {Array.from({ length: STEPS }, (_, step) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the ticks never change places.
        <i key={step} data-lit={step < lit || undefined} />
      ))}
    </div>
  );
}
