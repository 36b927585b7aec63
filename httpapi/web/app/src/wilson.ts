/** A share of trials, with the interval in which the true one lies 95 times in 100. */
export interface Share {
  share: number;
  low: number;
  high: number;
}

const z = 1.959964; // of a normal distribution, 95 % two-sided

/**
 * Wilson's score interval (Wilson 1927): unlike share ± z·sd it stays within 0 to 1 and is right for few trials. Rewards are sums of values
 * of at most 1, for which the interval is somewhat too wide, never too narrow.
 */
export function wilson(successes: number, trials: number): Share | null {
  if (!(trials > 0)) return null;
  const share = Math.min(1, Math.max(0, successes / trials));
  const square = z * z;
  const middle = (share + square / (2 * trials)) / (1 + square / trials);
  const half = (z * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials * trials))) / (1 + square / trials);
  return { share, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`;
