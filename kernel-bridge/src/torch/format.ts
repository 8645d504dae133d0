const EDGE = 3; // values shown at each end of a long dimension
const LONG = 2 * EDGE + 2;

interface Printable {
  shape: number[];
  dtype: string;
  device: string;
  tolist(): unknown;
}

/** A tensor as text: dtype, shape, device where not cpu, and values cut in the middle. */
export function format(tensor: Printable): string {
  const { shape, dtype, device } = tensor;
  const place = device === 'cpu' ? '' : ` on ${device}`;
  const head = `${dtype}[${shape.join(', ')}]${place}`;
  if (shape.includes(0)) return `Tensor(${head}, [])`;
  return `Tensor(${head}, ${values(tensor.tolist())})`;
}

function values(item: unknown): string {
  if (!Array.isArray(item)) return typeof item === 'number' ? short(item) : String(item);
  if (item.length <= LONG) return `[${item.map(values).join(', ')}]`;
  const head = item.slice(0, EDGE).map(values);
  const tail = item.slice(-EDGE).map(values);
  return `[${[...head, '...', ...tail].join(', ')}]`;
}

function short(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(4)));
}
