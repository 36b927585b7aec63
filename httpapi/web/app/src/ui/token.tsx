// Asks for the admin token when an action needs it, and for the viewer's key when the box wants one.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ComponentChildren } from "preact";
import { adminToken, refusedKey, tokenRefused, viewerKey } from "../box/secrets.ts";
import { Store, useStore } from "../box/store.ts";
import { BoxProblem } from "../box/ask.ts";

/** Those who wait for a token: told whether one was given. */
const waiting = new Store<((given: boolean) => void) | null>(null);

/** Resolves to whether there is a token, after asking for one where there is none. */
export function needToken(): Promise<boolean> {
  if (adminToken.value) return Promise.resolve(true);
  return new Promise(resolve => {
    waiting.value?.(false);
    waiting.set(resolve);
  });
}

/** Runs an admin action; where the token was refused it is asked for again, once. Returns null where no token was given. */
export async function asAdmin<T>(action: () => Promise<T>): Promise<T | null> {
  for (let round = 0; ; round++) {
    if (!(await needToken())) return null;
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof BoxProblem) || error.status !== 401 || round > 0) throw error;
    }
  }
}

function SecretForm({ label, hint, refused = false, done }: { label: string; hint: string; refused?: boolean; done: (secret: string) => void }) {
  const [text, set] = useState("");
  return (
    <form class="secret" onSubmit={e => {
      e.preventDefault();
      if (text.trim()) done(text.trim());
    }}>
      <label>{label}<input type="password" autoComplete="off" value={text} onInput={e => set(e.currentTarget.value)} required
        pattern="\s*[!-~]+\s*" title="Letters, digits and signs without accents or spaces: anything else cannot be sent" /></label>
      <button class="primary">Use it</button>
      {refused && <p class="bad" role="alert">The last one was refused.</p>}
      <p class="hint">{hint}</p>
    </form>
  );
}

const adminHint = "It stands in the file that http.admin.token_file names. It is kept in this tab only, until you forget it or close the tab.";

/** The dialog for actions; it stands once in the page. */
export function TokenDialog() {
  const resolve = useStore(waiting);
  const refused = useStore(tokenRefused);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (resolve) dialog.current?.showModal();
    else dialog.current?.close();
  }, [resolve]);
  const end = (given: boolean) => {
    waiting.set(null);
    resolve?.(given);
  };
  return (
    <dialog ref={dialog} aria-labelledby="token-title" onClose={() => end(false)}>
      <h2 id="token-title">This is an admin action</h2>
      {resolve && <SecretForm label="Admin token" hint={adminHint} refused={refused} done={secret => {
        adminToken.keep(secret);
        end(true);
      }} />}
      <button type="button" onClick={() => end(false)}>Cancel</button>
    </dialog>
  );
}

/** A view that is the admin's: asks for the token in its place. */
export function ForAdmin({ what, children }: { what: string; children: ComponentChildren }) {
  const token = useStore(adminToken);
  const refused = useStore(tokenRefused);
  if (token) return <>{children}</>;
  return (
    <section class="card narrow">
      <h2>{what}</h2>
      <SecretForm label="Admin token" hint={adminHint} refused={refused} done={secret => adminToken.keep(secret)} />
    </section>
  );
}

/** Asks for the key of the viewer API. */
export function KeyWanted() {
  const key = useStore(viewerKey);
  const refused = useStore(refusedKey);
  return (
    <section class="card narrow">
      <h2>This box asks who you are</h2>
      <SecretForm label="API key or token" hint="It is kept in this tab only. Whoever runs the box hands it out." refused={key !== "" && key === refused} done={secret => {
        refusedKey.set("");
        viewerKey.forget(); // the same again is a new try too: the box may know it by now
        viewerKey.keep(secret);
      }} />
    </section>
  );
}
