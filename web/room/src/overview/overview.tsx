import { Empty } from "../ui/index.ts";

export default function Overview() {
  return <Empty title="Nothing to show yet" />;
}
