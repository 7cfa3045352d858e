import type { ReactNode } from "react";

interface EmptyProps {
  title: string;
  /** What to do. */
  children?: ReactNode;
  /** Something is on its way. */
  busy?: boolean;
  role?: "alert" | "status";
}

/** A page or a part of one with nothing to show: says why, and what to do. */
export function Empty({ title, children, busy = false, role = "status" }: EmptyProps) {
  return (
    <div className="empty" role={role} aria-busy={busy || undefined}>
      <p className="empty-title">{title}</p>
      {children && <div className="empty-more">{children}</div>}
    </div>
  );
}
