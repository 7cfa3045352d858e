import type { ReactNode } from "react";

interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** Figures stand right. */
  figures?: boolean;
}

interface TableProps<Row> {
  /** For who cannot see it. */
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  id: (row: Row) => string;
}

/** On a narrow screen each row becomes a block, and each cell carries its column's name. */
export function Table<Row>({ caption, columns, rows, id }: TableProps<Row>) {
  return (
    <table className="table">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ name, figures }) => (
            <th key={name} scope="col" data-figures={figures || undefined}>
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={id(row)}>
            {columns.map(({ name, cell, figures }) => (
              <td key={name} data-name={name} data-figures={figures || undefined}>
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
