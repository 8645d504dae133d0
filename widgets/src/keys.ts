/** Every key of the views, for the sheet under "?". The views answer to them where they have the keyboard. */

/** Whether what has the keyboard takes "?" as text. */
export function isTyping(event: Event): boolean {
  const [target] = event.composedPath() as HTMLElement[];
  return /^(input|select|textarea)$/i.test(target?.tagName ?? '') || target?.isContentEditable === true;
}

/** Which way a key walks: through the rows of a list, and through the steps of a run. Keys with Ctrl, Alt or Meta are the browser's. */
export function walkOf({ key, ctrlKey, altKey, metaKey }: KeyboardEvent): { row: -1 | 0 | 1; step: -1 | 0 | 1 } {
  const way = ctrlKey || altKey || metaKey ? undefined : WAYS[key];
  return { row: 0, step: 0, ...way };
}
const WAYS: Partial<Record<string, { row: -1 | 1 } | { step: -1 | 1 }>> = {
  ArrowDown: { row: 1 },
  j: { row: 1 },
  ArrowUp: { row: -1 },
  k: { row: -1 },
  ArrowLeft: { step: -1 },
  ArrowRight: { step: 1 },
};

export const KEYS: readonly { view: string; keys: readonly [keys: string, does: string][] }[] = [
  {
    view: 'Every view',
    keys: [
      ['?', 'this sheet'],
      ['Tab, Shift+Tab', 'the next and the previous control'],
      ['Escape', 'closes a menu, a popover or an image'],
    ],
  },
  {
    view: 'Runs',
    keys: [
      ['↑ ↓', 'the run above and below'],
      ['Enter', 'shows the run'],
      ['Ctrl+click', 'adds it to the curves'],
      ['Shift+F10', 'its menu'],
    ],
  },
  {
    view: 'Curves',
    keys: [
      ['← →', 'the step before and after, in a chart'],
      ['Home, End', 'the first and the last step'],
      ['Enter', 'selects the step'],
      ['↓', 'the event at the step: a reward edit, a checkpoint'],
      ['Shift+drag', 'runs through the steps'],
      ['drag, double click', 'zooms in, and out again'],
    ],
  },
  {
    view: 'Rollouts',
    keys: [
      ['← →', 'the step before and after; of a completion whose tokens are shown, its tokens'],
      ['↓ or j, ↑ or k', 'group titles, and the completions of a group that is open'],
      ['Enter', 'opens a group, chooses a completion'],
    ],
  },
  {
    view: 'Data',
    keys: [
      ['↑ ↓ ← →', 'the questions around'],
      ['Space', 'picks a question'],
      ['Shift+arrows', 'picks on from the last one'],
      ['Ctrl+A, Escape', 'picks all, none'],
      ['Enter', 'opens the question'],
      ['Home, End, Page ↑, Page ↓', 'far jumps'],
    ],
  },
  {
    view: 'Question',
    keys: [
      ['→ or j, ← or k', 'the next and the previous question of the filter'],
      ['+ − 0 1', 'of the image: closer, farther, all of it, one pixel on one'],
      ['Shift+drag', 'of a CT: window and level'],
    ],
  },
  {
    view: 'Inspector',
    keys: [['← →', 'the completions of the group, the questions of the filter, or the steps']],
  },
  {
    view: 'Rewards',
    keys: [['Escape, then Tab', 'leaves the editor']],
  },
];
