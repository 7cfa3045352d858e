import { Empty } from "../ui/index.ts";

export default function Calls() {
  return <Empty title="No calls yet" />;
}
