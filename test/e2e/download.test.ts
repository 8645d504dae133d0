/** A data set from the hub to the grid by the button, with markup in every text of it: licence, download, unpacking, index; and nothing of it runs. */
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { medr1, omni, picture, zip } from '../../kernel-bridge/src/data/fixtures.ts';
import { output, runCommand } from './lab.ts';
import { errors, lab, page, visit } from './visit.ts';

const MARKUP = '<img src=x onerror="broken=1"><script>broken=1</script><b onmouseover=broken=1>bold';
const FILE = '<img src=x onerror=broken=1>'; // as long as a file name may be without a slash
let hub: Server;

/** Laid out as OmniMedVQA.zip; every text that a file gives holds markup. */
async function hostile(): Promise<Buffer> {
  const record = (n: number) => {
    const option = (letter: string) => `${letter} ${MARKUP}`;
    const image = `Images/${FILE}/${n} ${FILE}.png`;
    const text = {
      dataset: MARKUP,
      question_id: `${n} ${MARKUP}`,
      question_type: MARKUP,
      modality_type: MARKUP,
      study_id: MARKUP,
      note: MARKUP,
    };
    const options = { option_A: option('A'), option_B: option('B'), option_C: option('C'), option_D: option('D') };
    return omni(n, { ...text, ...options, question: `${n} ${MARKUP}`, gt_answer: option('B'), image_path: image });
  };
  const records = Array.from({ length: 6 }, (_, n) => record(n));
  const split = records.map((one) =>
    medr1(
      one['image_path'] as string,
      one['question'] as string,
      ['A', 'B', 'C', 'D'].map((l) => one[`option_${l}`] as string),
      'B',
    ),
  );
  records.push(omni(6, { question: MARKUP, image_path: `../${MARKUP}` }));
  const images = await Promise.all(split.map(async ({ image }, n) => [`OmniMedVQA/${image}`, await picture(n % 5, 96)] as const));
  return zip({
    ...Object.fromEntries(images),
    [`OmniMedVQA/QA_information/Open-access/${FILE}.json`]: JSON.stringify(records),
    [`OmniMedVQA/Splits/modality/train/${FILE}_train.json`]: JSON.stringify(split.slice(0, 4)),
    [`OmniMedVQA/Splits/modality/test/${FILE}_test.json`]: JSON.stringify(split.slice(4)),
  });
}

beforeAll(async () => {
  const archive = await hostile();
  const sha256 = createHash('sha256').update(archive).digest('hex');
  hub = createServer((request, answer) => {
    const file = {
      type: 'file',
      path: 'OmniMedVQA.zip',
      size: archive.length,
      oid: 'x',
      lfs: { oid: sha256, size: archive.length, pointerSize: 1 },
    };
    if (request.url!.startsWith('/api/')) return answer.setHeader('content-type', 'application/json').end(JSON.stringify([file]));
    const probe = request.headers.range !== undefined; // how the client asks for a file's size
    answer.writeHead(probe ? 206 : 200, { etag: `"${sha256}"`, ...(probe && { 'content-range': `bytes 0-0/${archive.length}` }) });
    return answer.end(probe ? archive.subarray(0, 1) : archive);
  });
  await new Promise<void>((ready) => hub.listen(0, '127.0.0.1', ready));
  process.env['HF_ENDPOINT'] = `http://127.0.0.1:${(hub.address() as AddressInfo).port}`;
});
visit();

afterAll(() => {
  hub?.closeAllConnections();
  hub?.close();
  delete process.env['HF_ENDPOINT'];
});

const view = () => page.locator('medr1-data');
const broken = () => page.evaluate(() => (globalThis as { broken?: number }).broken);

it('is fetched, unpacked and indexed after its licence was accepted, and shown', async () => {
  await runCommand(page, 'medr1:open-data');
  await view().getByTestId('download').click();
  expect(await view().getByTestId('licence').textContent()).toContain('research only');
  await view().getByTestId('accept').check();
  await view().getByTestId('download-start').click();
  await view().getByTestId('data-item').first().waitFor({ timeout: 120_000 });
  await view().getByTestId('job').waitFor({ state: 'detached', timeout: 120_000 });
  expect((await lab.api('api/data/omnimedvqa')).json).toMatchObject({ items: 7, usable: 6, images: 7, hashed: 6 });
});

it('markup in any of its texts is text: in the grid, in a question, in the audit', async () => {
  expect(await view().getByTestId('data-item').first().locator('.question').textContent()).toContain('<script>broken=1</script>');
  await view().getByTestId('data-search').fill('broken');
  await view().locator('mark').first().waitFor();
  await page.screenshot({ path: join(output, 'hostile-data.png') });
  await view().getByTestId('data-item').first().dblclick();
  await page.locator('medr1-sample').getByTestId('question').waitFor();
  await page.screenshot({ path: join(output, 'hostile-sample.png') });
  await runCommand(page, 'medr1:open-audit');
  await page.locator('medr1-audit').getByTestId('finding').first().waitFor({ timeout: 120_000 });
  await page.screenshot({ path: join(output, 'hostile-audit.png') });
  expect(await broken()).toBeUndefined();
  expect(await page.locator('img[src=x], b[onmouseover]').count()).toBe(0); // the locator looks into shadow roots
  expect(errors).toEqual([]);
});
