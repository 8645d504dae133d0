/** For tests: data sets in every layout that is read, made in a folder of their own that goes with the test. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import sharp from 'sharp';
import { formatQuestion, formatSolution } from '../answers/index.ts';

/** A folder that is removed at the end of the scope: `using dir = temporary()`. */
export function temporary(): { path: string } & Disposable {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'medr1-data-')));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** Writes files below a folder: bytes and text as they are, anything else as JSON. */
export function write(dir: string, files: Record<string, unknown>): string {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content));
  }
  return dir;
}

/** A record of OmniMedVQA. */
export function omni(n: number, changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    dataset: 'ACRIMA',
    question_id: `ACRIMA_${String(n).padStart(4, '0')}`,
    question_type: 'Disease Diagnosis',
    question: `What is seen in picture ${n}?`,
    gt_answer: 'Glaucoma',
    image_path: `Images/ACRIMA/${n}.png`,
    option_A: 'No finding',
    option_B: 'Glaucoma',
    option_C: 'Drusen',
    option_D: 'Myopia',
    modality_type: 'Fundus Photography',
    ...changes,
  };
}

/** A record of Med-R1's split files. */
export function medr1(image: string, question: string, options: string[], answer: string): Record<string, string> {
  return { image, problem: formatQuestion({ question, options }), solution: formatSolution(answer) };
}

/** A PNG of smooth blobs that the seed places: pictures of different seeds look different, also to a perceptual hash. */
export function picture(seed: number, size = 48): Promise<Buffer> {
  return sharp(pixels(seed, size), { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer();
}

export function pixels(seed: number, size = 48): Buffer {
  const data = Buffer.alloc(size * size * 3);
  const wave = (k: number) => Math.sin(seed * 12.9898 + k * 78.233) * 3;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [u, v] = [(x / size) * 6, (y / size) * 6];
      const value = 127 + 60 * Math.sin(u * wave(1) + v * wave(2) + wave(3)) + 60 * Math.cos(u * wave(4) - v * wave(5) + wave(6));
      data.fill(Math.max(0, Math.min(255, Math.round(value))), 3 * (y * size + x), 3 * (y * size + x) + 3);
    }
  }
  return data;
}

interface DicomOptions {
  width?: number;
  height?: number;
  values?: number[];
  transferSyntax?: string;
  photometric?: string;
  window?: { level: number; width: number };
  slope?: number;
  intercept?: number;
  signed?: boolean;
  study?: string;
}

/** A little DICOM file: 16-bit grey, explicit VR little endian unless told otherwise. */
export function dicom(options: DicomOptions = {}): Buffer {
  const { width = 4, height = 4, values = Array.from({ length: width * height }, (_, i) => i * 100) } = options;
  const pixelData = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => pixelData.writeUInt16LE(value & 0xffff, 2 * i));
  const meta = element(0x0002, 0x0010, 'UI', text(options.transferSyntax ?? '1.2.840.10008.1.2.1', '\0'));
  const groupLength = element(0x0002, 0x0000, 'UL', uint32(meta.length));
  const body = [
    options.study && element(0x0020, 0x000d, 'UI', text(options.study, '\0')),
    element(0x0028, 0x0002, 'US', uint16(1)),
    element(0x0028, 0x0004, 'CS', text(options.photometric ?? 'MONOCHROME2')),
    element(0x0028, 0x0010, 'US', uint16(height)),
    element(0x0028, 0x0011, 'US', uint16(width)),
    element(0x0028, 0x0100, 'US', uint16(16)),
    element(0x0028, 0x0101, 'US', uint16(16)),
    element(0x0028, 0x0103, 'US', uint16(options.signed ? 1 : 0)),
    options.window && element(0x0028, 0x1050, 'DS', text(String(options.window.level))),
    options.window && element(0x0028, 0x1051, 'DS', text(String(options.window.width))),
    options.intercept !== undefined && element(0x0028, 0x1052, 'DS', text(String(options.intercept))),
    options.slope !== undefined && element(0x0028, 0x1053, 'DS', text(String(options.slope))),
    element(0x7fe0, 0x0010, 'OW', pixelData),
  ];
  return Buffer.concat([
    Buffer.alloc(128),
    Buffer.from('DICM'),
    groupLength,
    meta,
    ...body.filter((part): part is Buffer => part instanceof Buffer),
  ]);
}

function element(group: number, number: number, vr: string, value: Buffer): Buffer {
  const long = ['OB', 'OW', 'SQ', 'UN', 'UT'].includes(vr);
  const head = Buffer.alloc(long ? 12 : 8);
  head.writeUInt16LE(group, 0);
  head.writeUInt16LE(number, 2);
  head.write(vr, 4, 'latin1');
  if (long) head.writeUInt32LE(value.length, 8);
  else head.writeUInt16LE(value.length, 6);
  return Buffer.concat([head, value]);
}

const text = (value: string, pad = ' ') => Buffer.from(value.length % 2 === 0 ? value : value + pad, 'latin1');
const uint16 = (value: number) => Buffer.from(Uint16Array.of(value).buffer);
const uint32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer);

/** What a hostile or damaged archive says of one of its files. */
interface ZipLie {
  /** Unix mode, type included: 0o120777 is a link. */
  mode?: number;
  /** Unpacked size that it claims. */
  size?: number;
  crc?: number;
  flags?: number;
}

/** A ZIP archive as Info-ZIP writes it: names in UTF-8, deflated. `lies` are told by both headers of a file. */
export function zip(files: Record<string, string | Uint8Array>, lies: Record<string, ZipLie> = {}): Buffer {
  const [locals, central]: [Buffer[], Buffer[]] = [[], []];
  let offset = 0;
  for (const [path, content] of Object.entries(files)) {
    const [name, bytes, lie] = [Buffer.from(path), Buffer.from(content), lies[path] ?? {}];
    const packed = deflateRawSync(bytes);
    const facts = Buffer.alloc(26); // from "version needed" to "extra length", the same in both headers
    facts.writeUInt16LE(20, 0);
    facts.writeUInt16LE(lie.flags ?? 0x800, 2);
    facts.writeUInt16LE(8, 4);
    facts.writeUInt32LE(lie.crc ?? crc32(bytes), 10);
    facts.writeUInt32LE(packed.length, 14);
    facts.writeUInt32LE(lie.size ?? bytes.length, 18);
    facts.writeUInt16LE(name.length, 22);
    const rest = Buffer.alloc(14); // comment length, disk, attributes, offset
    rest.writeUInt32LE(((lie.mode ?? 0o100644) << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    locals.push(Buffer.from('PK\x03\x04'), facts, name, packed);
    central.push(Buffer.from('PK\x01\x02\x1e\x03'), facts, rest, name);
    offset += 30 + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06');
  end.writeUInt16LE(locals.length / 4, 8);
  end.writeUInt16LE(locals.length / 4, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
