export { Button } from "./button.tsx";
export { Dialog } from "./dialog.tsx";
export { Empty } from "./empty.tsx";
export { Choice, Field, TextInput } from "./field.tsx";
export { Level } from "./level.tsx";
export { Table } from "./table.tsx";
export { Waterfall } from "./waterfall.tsx";
