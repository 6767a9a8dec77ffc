/** A regular expression that must match the whole of a text. Throws a SyntaxError unless it is one in Unicode mode. */
export function wholePattern(pattern: string): RegExp {
  new RegExp(pattern, 'u'); // on its own first: "a)(b" is valid only between our parentheses
  return new RegExp(`^(?:${pattern})$`, 'u');
}
