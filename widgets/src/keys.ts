/** Every key of the views, for the sheet under "?". The views answer to them where they have the keyboard. */

/** Whether what has the keyboard takes "?" as text. */
export function isTyping(event: Event): boolean {
  const [target] = event.composedPath() as HTMLElement[];
  return /^(input|select|textarea)$/i.test(target?.tagName ?? '') || target?.isContentEditable === true;
}

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
      ['↑ ↓', 'group titles, and the completions of a group that is open'],
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
