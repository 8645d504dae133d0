/**
 * Groups as a page of HTML that anyone can open: one file, without scripts, its images inside it. Everything that data sets and models wrote
 * is escaped, and a policy in the page forbids whatever would load or run something all the same.
 */
import { choicesOf, splitCompletion } from '@medr1/kernel-bridge/answers';
import type { Completion, Group } from '../connector.ts';
import { integer, number, signed } from '../format.ts';
import { readable } from '../marked.ts';
import { goldText, summarise, tokenCount } from '../store/rollouts/model.ts';
import { tokens } from '../theme.ts';
import { glyph, isReadFrom, judged } from './completion.ts';
import { saidOf } from './question.ts';

export interface Page {
  run: string;
  step: number;
  groups: readonly Group[];
  /** Data URLs by the path that a group names; an image that could not be read is not there. */
  images: ReadonlyMap<string, string>;
}

const ESCAPES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
export const escaped = (text: string): string => readable(text).replace(/[&<>"']/g, (one) => ESCAPES[one]);

export function pageOf({ run, step, groups, images }: Page): string {
  const title = `${run}, step ${integer(step)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body class="medr1-root">
<main>
<h1>${escaped(title)}</h1>
<p class="secondary">${integer(groups.length)} ${groups.length === 1 ? 'question' : 'questions'}. Right and wrong by the reading ${[...new Set(groups.map(({ reading }) => reading))].join(', ')}.</p>
${groups.map((group) => groupOf(group, images.get(group.image ?? ''))).join('\n')}
</main>
</body>
</html>
`;
}

function groupOf(group: Group, image: string | undefined): string {
  const { right, judged: all, mean, spread } = summarise(group);
  const options = choicesOf(group.options).map(({ letter, text }) => {
    const option = escaped(`${letter}) ${text}`);
    return letter === group.answer ? `<u>${option}</u>` : option;
  });
  const facts = [
    group.answer === null ? '' : `gold ${goldText(group)}`,
    ...[group.modality, group.question_type, group.item_id],
    all === 0 ? '' : `${right}/${all} right`,
    `mean reward ${number(mean)} ± ${number(spread)}`,
  ].filter((fact) => fact !== '');
  return `<article>
<header>
${image ? `<img src="${escaped(image)}" alt="">` : `<span class="none">${group.image ? 'image missing' : 'no image'}</span>`}
<div>
<h2>${escaped(group.question)}</h2>
<p class="options">${options.join(' &nbsp; ')}</p>
<p class="secondary">${facts.map(escaped).join(' · ')}</p>
</div>
</header>
<ol>
${group.completions.map((one) => completionOf(one, group)).join('\n')}
</ol>
</article>`;
}

function completionOf(one: Completion, group: Group): string {
  const said = saidOf(one, group);
  const isRead = isReadFrom(said);
  const parts = splitCompletion(said.text, { thinkOpen: said.thinkOpen }).map((part) => {
    const text = escaped(part.text);
    // a tag that the prompt ends in is the prompt's; one that nobody wrote is not made up
    const start = part.opened === 'nobody' ? '⚠ no opening tag ' : '';
    const end = part.closed ? '' : ' ⚠ unclosed';
    if (part.kind === 'outside') return `⚠<s>${text}</s>`;
    if (part.kind === 'think') {
      const opening =
        part.opened === 'nobody'
          ? ''
          : part.opened === 'prompt'
            ? '<i title="The prompt ends in this tag">&lt;think&gt;</i>'
            : '&lt;think&gt;';
      return `<span class="think">${start}${opening}${text}${part.closed ? '&lt;/think&gt;' : end}</span>`;
    }
    const correct = isRead(part) ? said.correct : null;
    return `<b class="${judged(correct)}">${start}${correct === null ? '' : `${glyph(correct)} `}${escaped(part.text.trim())}${end}</b>`;
  });
  const rewards = Object.entries(one.rewards).map(([name, value]) => `${escaped(name)} ${number(value)}`);
  const facts = [`advantage ${signed(one.advantage)}`, ...rewards, `${integer(tokenCount(one))} tokens`];
  if (one.finish_reason === 'length') facts.push('⚠ cut off');
  return `<li><p class="secondary"><b class="${judged(one.correct)}">${glyph(one.correct)} ${escaped(one.prediction ?? '–')}</b> · ${facts.join(' · ')}</p><p class="text">${parts.join(' ')}</p></li>`;
}

/** An image that a page shows, as a data URL; null where it cannot be read. */
export async function dataUrl(address: string): Promise<string | null> {
  try {
    const answer = await fetch(address, { credentials: 'same-origin' });
    const type = answer.headers.get('content-type') ?? '';
    if (!answer.ok || !/^image\/(png|jpeg|webp|gif)$/.test(type)) return null;
    const bytes = new Uint8Array(await answer.arrayBuffer());
    let binary = '';
    for (let at = 0; at < bytes.length; at += 0x8000) binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
    return `data:${type};base64,${btoa(binary)}`;
  } catch {
    return null;
  }
}

/** Images that are read at the same time. */
const AT_ONCE = 4;

/** The images of groups, each once. */
export async function imagesOf(groups: readonly Group[], addressOf: (path: string) => string): Promise<Map<string, string>> {
  const paths = [...new Set(groups.flatMap(({ image }) => (image ? [image] : [])))];
  const images = new Map<string, string>();
  for (let at = 0; at < paths.length; at += AT_ONCE)
    await Promise.all(
      paths.slice(at, at + AT_ONCE).map(async (path) => {
        const url = await dataUrl(addressOf(path));
        if (url) images.set(path, url);
      }),
    );
  return images;
}

/** The theme's own colours: in a page without JupyterLab they are the light or the dark ones that the reader's browser asks for. */
const STYLE = `${tokens.cssText}
:root { color-scheme: light dark; }
body { max-width: 960px; margin: 0 auto; padding: 16px; font: 14px/1.5 var(--medr1-font); color: var(--medr1-text); background: var(--medr1-surface); }
h1 { font-size: 18px; } h2 { margin: 0; font-size: 15px; }
article { border-top: 1px solid var(--medr1-border); padding: 12px 0; }
header { display: grid; grid-template-columns: 128px minmax(0, 1fr); gap: 12px; }
img, .none { width: 128px; max-height: 160px; object-fit: contain; background: var(--medr1-behind); color: var(--medr1-behind-text); text-align: center; }
p { margin: 2px 0; } ol { margin: 0; padding: 0; list-style: none; }
li { margin: 6px 0; padding-left: 8px; border-left: 2px solid var(--medr1-border); overflow-wrap: anywhere; }
.text { white-space: pre-wrap; } .secondary { color: var(--medr1-text-2); font-size: 13px; }
.think { color: var(--medr1-think); background: var(--medr1-think-surface); } s { color: var(--medr1-warn-text); }
b { padding: 0 4px; border: 1px solid var(--medr1-border); border-radius: 8px; font-weight: 400; }
.right { color: var(--medr1-right); background: var(--medr1-right-surface); } .wrong { color: var(--medr1-wrong); background: var(--medr1-wrong-surface); }
`;
