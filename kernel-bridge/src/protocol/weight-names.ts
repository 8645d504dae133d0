/** Names of layers and weights, and which of them a LoRA adapter sits on by PEFT's rules: for the model, and for the planner that has only names. */

/** The name on disk of a weight that some transformers versions (4.52 to 4.57) saved under the module's path. */
export function canonicalName(name: string): string {
  if (name.startsWith('model.visual.')) return name.slice('model.'.length);
  if (name.startsWith('model.language_model.')) return `model.${name.slice('model.language_model.'.length)}`;
  return name;
}

/** The module's path in transformers (4.52 on), which PEFT's files hold, of a name in a checkpoint. */
export function moduleName(name: string): string {
  if (name.startsWith('visual.')) return `model.${name}`;
  return name.startsWith('model.') ? `model.language_model.${name.slice('model.'.length)}` : name;
}

/** Whether a weight, under the name that a checkpoint has, is the vision tower's. */
export const isVision = (name: string): boolean => name.startsWith('visual.');

export const DECODER_LINEARS: readonly string[] = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/** The layer's path is one of the targets, or ends with one. */
export const endsWithOneOf =
  (targets: readonly string[]) =>
  (name: string): boolean =>
    targets.some((target) => `.${moduleName(name)}`.endsWith(`.${target}`));

/** Linear layers among these weights, by the name that the weight starts with: what an adapter can sit on. */
export function linearLayers(shapes: ReadonlyMap<string, readonly number[]>): string[] {
  return [...shapes].flatMap(([name, shape]) =>
    shape.length === 2 && name.endsWith('.weight') && !/^(lm_head|model\.embed_tokens)\./.test(name)
      ? [name.slice(0, -'.weight'.length)]
      : [],
  );
}

/**
 * How lora_target_modules tells layers: null = the decoder's, names = by path or its end; a single one may also be `all-linear` or, if no
 * layer's path ends with it, a regular expression of the whole path. Throws SyntaxError when it is none.
 */
export function loraTest(linears: readonly string[], targets: readonly string[] | null): (name: string) => boolean {
  if (targets === null) return (name) => name.startsWith('model.layers.') && linears.includes(name);
  if (targets.length === 1 && targets[0] === 'all-linear') return (name) => linears.includes(name);
  const named = endsWithOneOf(targets);
  if (targets.length > 1 || linears.some(named)) return named;
  const pattern = new RegExp(`^(?:${targets[0]})$`, 'u');
  return (name) => named(name) || pattern.test(moduleName(name));
}
