/** Configurations as YAML. */

/** A flat configuration as YAML 1.1 and 1.2 read it alike: a key a line, each value as JSON, which is YAML. */
export const yamlOf = (config: Readonly<Record<string, unknown>>): string =>
  Object.entries(config)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}: ${withPoint(JSON.stringify(value))}\n`)
    .join('');

/** YAML 1.1 takes 1e-7 for text, and 1.0e-7 for a number. */
const withPoint = (json: string): string => json.replace(/^(-?\d+)e/, '$1.0e');
