// Writes src/torch/aten.d.ts: the TypeScript signature of every aten operator and of our own, from the schemas of the libtorch that the
// addon was built for. out= variants work but are left out of the types. Run: node kernel-bridge/native/generate.mjs
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The interfaces, each with the namespace of its operators: aten's (whose names stand alone), our own (native/kernels.cc), c10d's collectives. */
const NAMESPACES = { Aten: '', Medr1: 'medr1::', Collectives: '_c10d_functional::' };

const target = new URL('../src/torch/aten.d.ts', import.meta.url);

const TYPES = {
  Tensor: 'Tensor',
  Scalar: 'Scalar',
  int: 'number',
  SymInt: 'number',
  float: 'number',
  bool: 'boolean',
  str: 'string',
  ScalarType: 'DType',
  Device: 'string',
  Layout: 'string',
  MemoryFormat: 'string',
  Generator: 'Generator',
};

// Argument names that are reserved words in JavaScript.
const RESERVED = new Set(['in', 'else', 'default', 'function', 'var', 'with', 'this', 'new']);

/** Splits at top level: `int[2] a=[1, 1], Tensor b` -> two parts. */
function split(text) {
  const parts = [];
  let depth = 0;
  let from = 0;
  for (let i = 0; i <= text.length; i++) {
    const char = text[i];
    if (char === '(' || char === '[') depth++;
    else if (char === ')' || char === ']') depth--;
    else if (i === text.length || (char === ',' && depth === 0)) {
      if (text.slice(from, i).trim()) parts.push(text.slice(from, i).trim());
      from = i + 1;
    }
  }
  return parts;
}

/** `Tensor(a!)?[] name=default` -> { base, list, size, optional, optionalElement, written, name, hasDefault } */
function parseArgument(text) {
  const match = /^(\w+)(\([^)]*\))?(\?)?(\[(\d*)\])?(\([^)]*\))?(\?)?(?: (\w+)(=.*)?)?$/.exec(text);
  if (!match) throw new Error(`cannot read the schema argument ${text}`);
  const [, base, alias, inner, list, size, listAlias, outer, name, fallback] = match;
  return {
    base,
    list: list !== undefined,
    size: Number(size || 0),
    optional: outer === '?' || (list === undefined && inner === '?'),
    optionalElement: list !== undefined && inner === '?',
    written: /!/.test(`${alias ?? ''}${listAlias ?? ''}`),
    name,
    hasDefault: fallback !== undefined,
  };
}

/** `aten::add.Tensor(Tensor self, *, Scalar alpha=1) -> Tensor` */
function parseSchema(schema) {
  const open = schema.indexOf('(');
  const arrow = schema.lastIndexOf(') -> ');
  const keyword = { seen: false };
  const formals = [];
  for (const part of split(schema.slice(open + 1, arrow))) {
    if (part === '*') keyword.seen = true;
    else formals.push({ ...parseArgument(part), keywordOnly: keyword.seen });
  }
  const returned = schema.slice(arrow + ') -> '.length);
  const returns = split(returned.startsWith('(') ? returned.slice(1, -1) : returned).map(parseArgument);
  return { formals, returns };
}

/** Python and we let a number stand for a tensor in binary operators: torch.sub(1, x). */
const isBinary = (formals) => formals.some(({ name, base }) => base === 'Tensor' && (name === 'other' || name === 'exponent'));

function typeOf(formal, lenient) {
  let type = TYPES[formal.base];
  if (formal.list) {
    const element = formal.optionalElement ? `${type} | null` : type;
    type = `readonly ${element.includes('|') ? `(${element})` : element}[]`;
    if (formal.size > 0 && formal.base !== 'Tensor') type = `${TYPES[formal.base]} | ${type}`;
  } else if (lenient && formal.base === 'Tensor' && !formal.written) {
    type = 'Tensor | number';
  }
  return formal.optional ? `${type} | null` : type;
}

function returnType(returns) {
  const types = returns.map(({ base, list }) => `${base === 'Scalar' ? 'number' : TYPES[base]}${list ? '[]' : ''}`);
  if (types.length === 0) return 'null';
  return types.length === 1 ? types[0] : `[${returns.map(({ name }, i) => (name ? `${name}: ${types[i]}` : types[i])).join(', ')}]`;
}

const safe = (name) => (RESERVED.has(name) ? `${name}_` : name);

/**
 * One overload as call signatures: an options object may follow the required arguments or any optional one. `lenient` gives those with
 * numbers for tensors, none where the operator is not binary.
 */
function signatures(name, schema, lenient) {
  const { formals, returns } = parseSchema(schema);
  const known = ({ base }) => base in TYPES;
  if (!formals.every((formal) => known(formal) || formal.hasDefault) || !returns.every(known)) return [];
  if (lenient && !isBinary(formals)) return [];
  const positional = formals.filter((formal) => !formal.keywordOnly && known(formal));
  const required = positional.filter(({ hasDefault }) => !hasDefault).length;
  const keywordOnly = formals.filter((formal) => formal.keywordOnly && known(formal));
  const lines = [];
  for (let count = required; count <= positional.length; count++) {
    const args = positional
      .slice(0, count)
      .map((formal) => `${safe(formal.name)}: ${typeOf(formal, lenient)}${formal.hasDefault ? ' | undefined' : ''}`);
    const named = [...positional.slice(count), ...keywordOnly];
    const needed = named.some(({ hasDefault }) => !hasDefault);
    if (named.length)
      args.push(
        `options${needed ? '' : '?'}: { ${named.map((formal) => `${formal.name}${formal.hasDefault ? '?' : ''}: ${typeOf(formal, lenient)}`).join('; ')} }`,
      );
    lines.push(`  ${name}(${args.join(', ')}): ${returnType(returns)};`);
  }
  return lines;
}

/**
 * The whole file, from the addon's list of operators.
 * @param {{ packetNames(): string[], schemas(packet: number): string[] }} native
 * @returns {string}
 */
export function generate(native) {
  const out = [
    '// Generated by native/generate.mjs from the schemas of PyTorch; the order of overloads is the order in which they are tried.',
    "import type { DType } from './dtypes.ts';",
    "import type { Generator } from './generator.ts';",
    "import type { Tensor } from './tensor.ts';",
    '',
    'type Scalar = number | bigint | boolean;',
    '',
  ];
  for (const [name, namespace] of Object.entries(NAMESPACES)) {
    out.push(`export interface ${name} {`);
    native.packetNames().forEach((packet, index) => {
      const start = packet.lastIndexOf(':') + 1;
      if (packet.slice(0, start) === namespace) out.push(...members(packet.slice(start), native.schemas(index)));
    });
    out.push('}', '');
  }
  return out.join('\n');
}

/** An operator's signatures, out= variants left out. */
function members(name, all) {
  const out = [];
  const schemas = all.filter((schema) => !/Tensor\([a-z]!\)(\[\])? out\d?[,)]|_out\(|\.out\d?\(/.test(schema));
  // As at run time: first every overload as it stands, then with numbers for tensors.
  for (const lenient of [false, true])
    for (const schema of schemas) {
      const lines = signatures(name, schema, lenient);
      if (lines.length) out.push(`  /** ${schema.replace('*/', '* /')} */`, ...lines);
    }
  return out;
}

/** The file as it is committed. */
export const read = () => readFileSync(target, 'utf8');

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const native = createRequire(import.meta.url)('./build/medr1_torch.node');
  writeFileSync(target, generate(native));
  console.log(`wrote ${fileURLToPath(target)}`);
}
