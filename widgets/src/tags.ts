/** Tags as they are typed: apart by commas, each once, none longer than the backend takes. */
const LONGEST = 60;

export const tagsIn = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((tag) => tag.trim().slice(0, LONGEST))
      .filter(Boolean),
  ),
];
