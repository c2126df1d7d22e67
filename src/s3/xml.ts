/** The XML of S3: written by hand, since it is flat, and read by a parser, since it comes from anybody. */
import { XMLParser } from 'fast-xml-parser';

const ESCAPES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};

/** `content` is text, or elements where `raw` is set. */
export function element(
  name: string,
  content: string | number | boolean,
  options: { raw?: boolean; attributes?: string } = {},
): string {
  const text = options.raw
    ? String(content)
    : String(content).replace(/[&<>"\r]/g, (char) => ESCAPES[char] ?? char);
  return `<${name}${options.attributes ?? ''}>${text}</${name}>`;
}

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

export function document(root: string): string {
  return DECLARATION + root;
}

/** The answer of an operation: a root with the namespace of S3 around elements. */
export function result(name: string, elements: string): string {
  return document(element(name, elements, { raw: true, attributes: NAMESPACE }));
}

/** All leaves stay text; elements that may come several times are lists. */
export function parseXml(text: string, lists: readonly string[]): unknown {
  const parser = new XMLParser({
    parseTagValue: false,
    processEntities: { enabled: true, maxTotalExpansions: 100_000 },
    isArray: (name) => lists.includes(String(name)),
    removeNSPrefix: true,
    ignoreDeclaration: true,
  });
  return parser.parse(text, true);
}
