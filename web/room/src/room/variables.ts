/** What the agent is told: of what was typed in, that which says something and is the persona's. */
export function told(
  typed: Readonly<Record<string, string>>,
  defaults: Readonly<Record<string, string>>,
): Record<string, string> {
  const said = Object.entries(typed).map(([name, value]) => [name, value.trim()] as const);
  return Object.fromEntries(said.filter(([name, value]) => value && name in defaults));
}
