// @vitest-environment jsdom
import { verdict } from '@medr1/kernel-bridge/answers';
import { READING_NAMES, type ReadingName } from '@medr1/kernel-bridge/protocol';
import { html, render } from 'lit';
import { describe, expect, it } from 'vitest';
import { completionText, isAnswerAlone, readingLabel, verdictChip } from './completion.ts';

const QUESTION = { options: ['MRI', 'X-ray', 'CT'], answer: 'C' };

function shown(text: string, reading: ReadingName, thinkOpen = false): HTMLElement {
  const page = document.createElement('div');
  const said = verdict(reading, text, QUESTION);
  render(html`${verdictChip(said, reading)}${readingLabel(reading)}${completionText({ text, ...said, reading, thinkOpen })}`, page);
  return page;
}
const text = (element: Element | null): string => element?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
/** The chip, and the parts of the text: "think: ...", marked ✓ or ✗ where the verdict is about them. */
const read = (completion: string, reading: ReadingName, thinkOpen = false): [string, string[]] => {
  const page = shown(completion, reading, thinkOpen);
  return [text(page.querySelector('[data-testid=verdict]')), Array.from(page.querySelectorAll('[data-part]'), text)];
};

describe('a verdict stands under the name of its reading', () => {
  it.each(READING_NAMES)('%s', (reading) => {
    const page = shown('<answer>C</answer>', reading);
    expect(text(page.querySelector('[data-testid=reading]'))).toBe(reading);
    expect(page.querySelector('[data-testid=verdict]')!.getAttribute('title')).toContain(`by the reading ${reading}`);
  });
});

describe('what is marked is what the reading took for the answer', () => {
  it.each([
    ['C', 'exact', '✓ C', ['C']],
    ['C', 'strict', '✗ –', ['C']],
    ['<answer>x y</answer><answer>C</answer>', 'exact', '✗ –', ['✗ x y', 'C']],
    ['<answer>x y</answer><answer>C</answer>', 'strict', '✓ C', ['x y', '✓ C']],
    ['<answer>A</answer> no, <answer>C</answer>', 'tolerant', '✓ C', ['A', 'no,', '✓ C']],
    ['<answer>A</answer> no, <answer>C</answer>', 'exact', '✗ A', ['✗ A', 'no,', 'C']],
    ['<think><answer>C</answer></think><answer>A</answer>', 'exact', '✓ C', ['<think><answer>C</answer></think>', 'A']],
    ['<answer>\nA</answer><answer>C</answer>', 'exact', '✓ C', ['A', '✓ C']],
    ['<answer>C', 'tolerant', '✓ C', ['✓ C ⚠ unclosed']],
  ] as const)('%j, %s', (completion, reading, chip, parts) => {
    expect(read(completion, reading)).toEqual([chip, parts]);
  });
});

describe('no tag is shown that nobody wrote', () => {
  it.each([
    ['</think> with a<answer> C </answer>', ['⚠ no opening tag </think>', 'with a', '✓ C']],
    ['so it is</think><answer>C</answer>', ['⚠ no opening tag so it is</think>', '✓ C']],
    ['<think>so</think> C</answer>', ['<think>so</think>', '⚠ no opening tag C']],
    ['<think>so', ['<think>so ⚠ unclosed']],
  ])('%s', (completion, parts) => expect(read(completion, 'exact')[1]).toEqual(parts));

  it("where the prompt ends in <think>, the tag is shown as the prompt's", () => {
    const page = shown('so it is</think><answer>C</answer>', 'exact', true);
    expect(text(page.querySelector('.implied'))).toBe('<think>');
    expect(page.querySelector('.warning')).toBeNull();
    expect(shown('<think>so</think><answer>C</answer>', 'exact', true).querySelector('.implied')).toBeNull();
  });
});

describe('an answer alone stands once', () => {
  const alone = (completion: string, reading: ReadingName) =>
    isAnswerAlone({ text: completion, ...verdict(reading, completion, QUESTION), reading, thinkOpen: false });
  it.each([
    ['<answer>C</answer>', true],
    ['<answer> B) X-ray </answer>', true],
    ['<think>so</think><answer>C</answer>', false],
    ['<answer>C', false], // the reading exact takes none that is not closed
    ['C', false],
  ])('%s: %s', (completion, wanted) => expect(alone(completion, 'exact')).toBe(wanted));
});
