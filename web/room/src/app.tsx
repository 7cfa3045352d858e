import { lazy, type ReactNode, Suspense, useEffect } from "react";
import { request } from "./api.ts";
import { Login } from "./login/login.tsx";
import { Room } from "./room/room.tsx";
import { Link, useLocation } from "./router.tsx";
import { SessionProvider, useSession } from "./session.tsx";
import { Button, Empty } from "./ui/index.ts";

const Calls = lazy(() => import("./calls/calls.tsx"));
const Overview = lazy(() => import("./overview/overview.tsx"));

const PAGES = [
  { href: "/", name: "Room" },
  { href: "/calls", name: "Calls" },
  { href: "/overview", name: "Overview" },
];

function section(path: string): string {
  return `/${path.split("/")[1] ?? ""}`;
}

export function App() {
  return (
    <SessionProvider>
      <a className="skip" href="#page">
        Skip to the page
      </a>
      <Header />
      <main id="page" tabIndex={-1}>
        <Guarded>
          <Page />
        </Guarded>
      </main>
    </SessionProvider>
  );
}

function Header() {
  const here = section(useLocation().path);
  return (
    <header className="masthead">
      <Link href="/" className="wordmark">
        Parley
      </Link>
      <nav aria-label="Pages">
        {PAGES.map(({ href, name }) => (
          <Link key={href} href={href} aria-current={href === here ? "page" : undefined}>
            {name}
          </Link>
        ))}
        <SignOut />
      </nav>
    </header>
  );
}

/** Nothing where nobody had to sign in. */
function SignOut() {
  const { config, reload } = useSession();
  if (!config?.signed_in || config.login === "none") return null;
  return (
    <Button look="quiet" onClick={() => void request("/logout", { method: "POST" }).then(reload)}>
      Sign out
    </Button>
  );
}

/** What is asked for, or the login before it where one is needed. */
function Guarded({ children }: { children: ReactNode }) {
  const { config, error } = useSession();
  if (!config && error) {
    return (
      <Empty title="The server does not answer" role="alert">
        {error.message} This page tries again by itself.
      </Empty>
    );
  }
  if (!config) return <Empty title="One moment" busy />;
  if (config.login !== "none" && !config.signed_in) return <Login login={config.login} />;
  return children;
}

function Page() {
  const { path } = useLocation();
  const here = section(path);
  useEffect(() => {
    const name = PAGES.find((page) => page.href === here)?.name;
    document.title = name && here !== "/" ? `${name} · Parley` : "Parley";
  }, [here]);
  if (here === "/" || here === "/login") return <Room />;
  return <Suspense fallback={<Empty title="One moment" busy />}>{chosen(here)}</Suspense>;
}

function chosen(here: string) {
  if (here === "/calls") return <Calls />;
  if (here === "/overview") return <Overview />;
  return (
    <Empty title="There is no such page">
      <Link href="/">Go to the room</Link>
    </Empty>
  );
}
