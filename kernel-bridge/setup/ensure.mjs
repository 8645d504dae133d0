/** Brings a list of steps about: those that do not need each other side by side, each named as it starts and as it ends. */
import { steps as all } from './steps.mjs';

const BEAT_MS = 30_000;

/**
 * @param {string[]} names steps to bring about; a needed step that is not named counts as there
 * @param {{ print?: (line: string) => void, steps?: typeof all }} [options]
 */
export async function ensure(names, { print = console.log, steps = all } = {}) {
  const begun = new Map();
  const failures = [];
  const bring = (name) => {
    if (!begun.has(name)) begun.set(name, one(name));
    return begun.get(name);
  };
  const one = async (name) => {
    const step = steps[name];
    const needed = await Promise.all(step.needs.filter((need) => names.includes(need)).map(bring));
    if (needed.includes(false)) return false;
    try {
      const reason = await step.check();
      if (reason === null) {
        print(`  ${step.title}: up to date`);
        return true;
      }
      print(`  ${step.title}: ${reason}; working ...`);
      const start = Date.now();
      const seconds = () => `${((Date.now() - start) / 1000).toFixed(0)} s`;
      const beat = setInterval(() => print(`  ${step.title}: still working, ${seconds()}`), BEAT_MS);
      try {
        await step.run();
      } finally {
        clearInterval(beat);
      }
      print(`  ${step.title}: done in ${seconds()}`);
      return true;
    } catch (error) {
      failures.push(error);
      print(`  ${step.title}: FAILED. ${error.message}`);
      if (error.remedy && !error.message.includes(error.remedy)) print(`    Remedy: ${error.remedy}`);
      return false;
    }
  };
  await Promise.all(names.map(bring));
  return failures;
}
