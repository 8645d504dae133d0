/**
 * The selection as a link that can be sent: `medr1:?runs=a,b&step=12&group=3&completion=1`, or the address of a page that opens with it,
 * `http://host/lab?medr1=runs%3Da%2Cb%26step%3D12`. What a link does not name is not selected where it is opened.
 */
import { NOTHING, type Selection } from '@medr1/kernel-bridge/protocol/selection';
import type { ErrorBody } from './connector.ts';

const SCHEME = 'medr1:';
const TEXTS = ['dataset', 'item', 'variant', 'search'] as const;
const LISTS = ['runs', 'evaluations'] as const;
const INDICES = ['step', 'group', 'completion', 'token'] as const;

/** Parameter of a page's address. */
export const PARAMETER = 'medr1';

export const linkOf = (selection: Selection): string => `${SCHEME}?${queryOf(selection)}`;

/** `page`: the address of JupyterLab itself. Its token, if it names one, is left out. */
export function pageLinkOf(selection: Selection, page: string): string {
  const url = new URL(page);
  url.hash = '';
  url.search = new URLSearchParams({ [PARAMETER]: queryOf(selection) }).toString();
  return url.href;
}

/** The link in the address of a page, null where there is none. */
export function linkIn(address: string): string | null {
  const query = new URL(address).searchParams.get(PARAMETER);
  return query === null ? null : `${SCHEME}?${query}`;
}

/** The address without its link, so that a reload keeps what was chosen since. */
export function withoutLink(address: string): string {
  const url = new URL(address);
  url.searchParams.delete(PARAMETER);
  return url.href;
}

function queryOf(selection: Selection): string {
  const query = new URLSearchParams();
  for (const key of LISTS) if (selection[key].length > 0) query.set(key, selection[key].join(','));
  for (const key of [...TEXTS, ...INDICES]) {
    const value = selection[key];
    if (value !== null) query.set(key, String(value));
  }
  return query.toString();
}

/** The selection that a link stands for; throws an ErrorBody that names what is wrong with it. */
export function selectionOf(link: string): Selection {
  const given = link.trim();
  const text = (/^https?:/.test(given) && URL.canParse(given) && linkIn(given)) || given;
  if (!text.startsWith(`${SCHEME}?`))
    throw refusal(
      `"${text.slice(0, 60)}" is no Med-R1 link: it neither begins with ${SCHEME}? nor is an address with ${PARAMETER}= in it.`,
    );
  const selection: Selection = { ...NOTHING };
  for (const [key, value] of new URLSearchParams(text.slice(SCHEME.length))) {
    if (isOneOf(LISTS, key)) selection[key] = value.split(',').filter(Boolean);
    else if (isOneOf(TEXTS, key)) selection[key] = value;
    else if (isOneOf(INDICES, key)) {
      if (!/^\d{1,9}$/.test(value)) throw refusal(`The link's ${key} is "${value.slice(0, 60)}", not a whole number.`);
      selection[key] = Number(value);
    } else throw refusal(`The link names "${key.slice(0, 60)}", which is no part of a selection.`);
  }
  return selection;
}

const isOneOf = <K extends string>(keys: readonly K[], key: string): key is K => (keys as readonly string[]).includes(key);

const refusal = (message: string): ErrorBody => ({
  code: 'LINK_INVALID',
  message,
  remedy: 'Copy it again with "Copy link to the selection".',
});
