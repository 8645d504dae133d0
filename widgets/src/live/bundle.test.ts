/** The module of live cells as it is built: one small file that asks nothing of the outside. */
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Rolldown } from 'vite';
import { beforeAll, expect, it } from 'vitest';

let built: Rolldown.RolldownOutput;
let code: string;
beforeAll(async () => {
  const configFile = resolve(import.meta.dirname, '../../vite.live.config.ts');
  const made = (await build({ configFile, logLevel: 'error', build: { write: false } })) as
    Rolldown.RolldownOutput | Rolldown.RolldownOutput[];
  [built] = [made].flat();
  code = built.output[0].code;
});

it('is one file below 150 KB gzipped', () => {
  expect(built.output).toHaveLength(1);
  expect(gzipSync(code).length).toBeLessThan(150 * 1024);
});

it('imports nothing, at any time, and exports `render` alone', async () => {
  const { imports, dynamicImports, exports } = built.output[0];
  expect([imports, dynamicImports, exports]).toEqual([[], [], ['default']]);
});

it('holds no charting library, no schemas and no address of a server', () => {
  const modules = Object.keys(built.output[0].modules);
  expect(modules.length).toBeGreaterThan(10);
  expect(modules.filter((id) => /plotly|uplot|typebox|@jupyterlab|@lumino/.test(id))).toEqual([]);
  const addresses = code.match(/(https?|wss?):\/\/[^\s"'`)]*/g) ?? [];
  expect(addresses.filter((address) => !address.startsWith('http://www.w3.org/'))).toEqual([]);
  expect(code).not.toMatch(/\b(fetch|WebSocket|XMLHttpRequest|EventSource|importScripts)\s*\(/);
});

it('never writes HTML that it was given', () => {
  expect(code).not.toMatch(/unsafeHTML|document\.write|insertAdjacentHTML|outerHTML|\beval\b|new Function/);
});
