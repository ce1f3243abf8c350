/** titled is a word with a capital letter. */
export function titled(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
