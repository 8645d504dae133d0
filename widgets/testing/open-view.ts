/** Views in tests: on the page, with a workbench over a fake connector, until the test ends. */
import { onTestFinished } from 'vitest';
import { Workbench } from '../src/store/workbench.ts';
import { FakeConnector, type FakeOptions } from './fake-connector.ts';
import { settled } from './until.ts';

/** Opens the view of this tag. `options.silent`: a server that never answers. `prepare` runs before the view is on the page. */
export async function openView(tag: string, options: FakeOptions, prepare: (workbench: Workbench) => void = () => {}) {
  const connector = new FakeConnector(options);
  const workbench = new Workbench(connector);
  if (!options.silent) await workbench.start();
  prepare(workbench);
  const element = Object.assign(document.createElement(tag), { workbench });
  document.body.append(element);
  onTestFinished(() => {
    element.remove();
    workbench.dispose();
  });
  await settled();
  /** Also inside the elements that the view is made of. */
  const all = (selector: string, root: ParentNode = element.shadowRoot!): HTMLElement[] => [
    ...root.querySelectorAll<HTMLElement>(selector),
    ...[...root.querySelectorAll('*')].flatMap((child) => (child.shadowRoot ? all(selector, child.shadowRoot) : [])),
  ];
  const find = (testid: string): HTMLElement => all(`[data-testid=${testid}]`)[0];
  const click = async (testid: string): Promise<void> => {
    find(testid).click();
    await settled();
  };
  /** Of a field of the form. */
  const control = <T extends HTMLElement>(key: string): T => all(`#field-${key}`)[0] as T;
  const choose = async (select: string | HTMLSelectElement, value: string): Promise<void> => {
    if (typeof select === 'string') return choose(find(select) as HTMLSelectElement, value);
    select.value = value;
    select.dispatchEvent(new Event('change'));
    await settled();
  };
  /** The last call of this name that the view made. */
  const last = (name: string): unknown[] | undefined => connector.calls.findLast(([called]) => called === name);
  return { connector, workbench, element, all, find, control, click, choose, last };
}
