/** The outline of one side of a recording. Pure. */

export const WIDTH = 1000;
/** Of one side. */
export const HEIGHT = 40;

/** Speech is quiet on average: the root lifts it off the line, and 1 stays 1. */
function lifted(peak: number): number {
  return Math.sqrt(Math.min(1, Math.max(0, peak)));
}

/**
 * A closed path from the middle line (y = 0) towards `direction` (-1 is up), `WIDTH` wide. Empty
 * where there is no sound at all.
 */
export function wavePath(peaks: number[], direction: 1 | -1): string {
  if (!peaks.length) return "";
  const step = WIDTH / peaks.length;
  const points = peaks.map((peak, n) => {
    const y = (direction * Math.max(0.5, lifted(peak) * HEIGHT)).toFixed(1);
    return `L${(n * step).toFixed(1)} ${y}L${((n + 1) * step).toFixed(1)} ${y}`;
  });
  return `M0 0${points.join("")}L${WIDTH} 0Z`;
}
