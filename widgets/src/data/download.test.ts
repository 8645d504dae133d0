// @vitest-environment jsdom
import { afterEach, expect, it, vi } from 'vitest';
import { FakeConnector } from '../../testing/fake-connector.ts';
import './download.ts';
import type { DownloadBox } from './download.ts';

afterEach(() => {
  document.body.replaceChildren();
  vi.useRealTimers();
});

async function box(connector = new FakeConnector()) {
  vi.useFakeTimers();
  const element = Object.assign(document.createElement('medr1-download') as DownloadBox, { data: connector.data });
  document.body.append(element);
  const settle = async (ms = 0): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    await element.updateComplete;
  };
  await settle();
  const find = <T extends HTMLElement>(id: string): T | null => element.shadowRoot!.querySelector<T>(`[data-testid="${id}"]`);
  const click = async (id: string): Promise<void> => {
    find(id)!.click();
    await settle();
  };
  return { connector, element, settle, find, click };
}

it('nothing is fetched before the licence was shown and accepted', async () => {
  const { connector, find, click, settle } = await box();
  expect(find('licence')).toBeNull();
  await click('download');
  expect(find('licence')!.textContent).toContain('research only');
  expect(find<HTMLButtonElement>('download-start')!.disabled).toBe(true);
  find('licence')!.closest('form')!.requestSubmit();
  await settle();
  expect(connector.calls.map(([name]) => name)).not.toContain('data.download');
  await click('accept');
  await click('download-start');
  expect(connector.calls.findLast(([name]) => name === 'data.download')).toEqual([
    'data.download',
    { name: 'omnimedvqa', accept_licence: true },
  ]);
  expect(find('download-running')).not.toBeNull();
});

it('shows how far it is, can be stopped and gone on with, and ends when it is being indexed', async () => {
  const { connector, element, find, click, settle } = await box();
  const ended = vi.fn();
  element.addEventListener('medr1-downloaded', ended);
  await click('download');
  await click('accept');
  await click('download-start');
  connector.data.tellDownload({ file: 'OmniMedVQA.zip', done: 2 ** 30, total: 4 * 2 ** 30, seconds_left: 90 });
  await settle(1000);
  expect(find('download-running')!.textContent).toMatch(/Downloading OmniMedVQA.zip/);
  expect(find('download-running')!.querySelector('progress')!.value).toBe(0.25);
  await click('download-stop');
  expect(find('download')!.textContent).toContain('Go on with the download');
  await click('download');
  await click('download-start');
  connector.data.tellDownload({ phase: 'unpack', file: 'OmniMedVQA/Images/ACRIMA/1.png', done: 1, total: 2 });
  await settle(1000);
  expect(find('download-running')!.textContent).toMatch(/Unpacking OmniMedVQA\/Images\/ACRIMA\/1.png/);
  expect(ended).not.toHaveBeenCalled();
  connector.data.tellDownload({ state: 'done', dataset: 'omnimedvqa', files: ['OmniMedVQA.zip'] });
  await settle(1000);
  expect(find('download-done')!.textContent).toMatch(/indexed as omnimedvqa\.\s+OmniMedVQA.zip is unpacked and may be deleted/);
  expect(ended).toHaveBeenCalledOnce();
  const asked = connector.calls.length;
  await settle(5000);
  expect(connector.calls).toHaveLength(asked);
});

it('a failure says why, and the next try goes on', async () => {
  const { connector, element, find, click, settle } = await box();
  await click('download');
  await click('accept');
  await click('download-start');
  connector.data.tellDownload({
    state: 'failed',
    error: { code: 'DATA_DOWNLOAD', message: 'the hub did not answer', remedy: 'Bring the data.' },
  });
  await settle(1000);
  expect(element.shadowRoot!.textContent).toContain('the hub did not answer');
  expect(find('download')!.textContent).toContain('Go on');
});

it('without a backend it offers to try again', async () => {
  const connector = new FakeConnector({ failure: { code: 'DOWN', message: 'down', remedy: 'wait' } });
  const { find, click } = await box(connector);
  expect(find('error')!.textContent).toContain('down');
  connector.options = {};
  await click('retry');
  expect(find('download')).not.toBeNull();
});
