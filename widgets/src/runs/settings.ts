/** Changes to a configuration as people write them: one `key = value` a line, values as in JSON, anything else text. */
export function parseSettings(text: string): Record<string, unknown> {
  const lines = text.split('\n').map((line) => line.trim());
  return Object.fromEntries(lines.filter((line) => line !== '' && !line.startsWith('#')).map(parseLine));
}

function parseLine(line: string): [key: string, value: unknown] {
  const at = line.search(/[=:]/);
  if (at < 1)
    throw Object.assign(new Error(`"${line}" is no setting.`), { code: 'SETTING_INVALID', remedy: 'Write one key = value a line.' });
  const [key, value] = [line.slice(0, at).trim(), line.slice(at + 1).trim()];
  try {
    return [key, JSON.parse(value)];
  } catch {
    return [key, value];
  }
}
