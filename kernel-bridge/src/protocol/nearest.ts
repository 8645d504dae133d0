/** What a word that is not known was probably meant to be. */

/** The known word with the fewest letters changed, put in or left out; none where too many are. Case does not count. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const most = Math.max(2, word.length / 3);
  const near = known.filter((one) => Math.abs(one.length - word.length) <= most); // a word of 4 MB is compared with none
  if (near.length === 0) return undefined;
  const lower = word.toLowerCase();
  const scored = near.map((one) => ({ one, edits: editDistance(lower, one.toLowerCase()) })).sort((a, b) => a.edits - b.edits);
  const [best] = scored;
  return best.edits <= most ? best.one : undefined;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
