export function generate(native: { packetNames(): string[]; schemas(packet: number): string[] }): string;
export function read(): string;
