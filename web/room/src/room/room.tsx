import { Empty } from "../ui/index.ts";

export function Room() {
  return <Empty title="The room" />;
}
