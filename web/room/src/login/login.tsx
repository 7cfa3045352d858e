import { type FormEvent, useState } from "react";
import { ApiError, request } from "../api.ts";
import { useLocation } from "../router.tsx";
import { useSession } from "../session.tsx";
import { Button, TextInput } from "../ui/index.ts";

/** What the server sends back here with, and what helps. */
const PROBLEMS = new Map([
  ["link", "That link has been used, or is too old. `parley talk` prints a new one."],
  ["not_allowed", "This account may not sign in here. PARLEY_WEB_OIDC_ALLOWED says which may."],
  ["provider", "Your account could not be asked for. Try again; Parley's log says why."],
]);

/** Before anything that callers' words or telephone minutes are behind. */
export function Login({ login }: { login: "password" | "oidc" }) {
  const problem = PROBLEMS.get(useLocation().query.get("problem") ?? "");
  return (
    <section className="login">
      <h1>Sign in</h1>
      {problem && <p role="alert">{problem}</p>}
      {login === "oidc" ? (
        <a className="button button-primary" href="/login/oidc">
          Sign in with your account
        </a>
      ) : (
        <Password />
      )}
    </section>
  );
}

function Password() {
  const { reload } = useSession();
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);

  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const password = String(new FormData(event.currentTarget).get("password") ?? "");
    setBusy(true);
    try {
      await request("/login", { body: { password } });
      reload();
    } catch (problem) {
      setError(problem instanceof ApiError ? problem.message : String(problem));
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={signIn}>
      <TextInput
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
        required
        error={error}
        hint="PARLEY_WEB_PASSWORD on the machine that runs Parley."
      />
      <Button look="primary" type="submit" disabled={busy}>
        Sign in
      </Button>
    </form>
  );
}
