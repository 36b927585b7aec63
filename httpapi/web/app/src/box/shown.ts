// What is done only while somebody can see the page. A browser has six connections to a box for all of its tabs together, and each
// stream of events holds one: tabs that kept theirs while they are hidden would leave a third none to load anything with.

const patience = 3_000; // ms that a page may be hidden before it gives its connections back

/** Begins when the page is seen, ends some seconds after it is hidden, and so on until the function that it returns is called. */
export function whileShown(begin: () => () => void): () => void {
  let end: (() => void) | null = null;
  let late: ReturnType<typeof setTimeout> | undefined;
  const change = () => {
    clearTimeout(late);
    if (!document.hidden) end ??= begin();
    else late = setTimeout(() => {
      end?.();
      end = null;
    }, patience);
  };
  document.addEventListener("visibilitychange", change);
  if (!document.hidden) change();
  return () => {
    document.removeEventListener("visibilitychange", change);
    clearTimeout(late);
    end?.();
    end = null;
  };
}
