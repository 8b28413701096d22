import { describe, expect, it } from 'vitest';
import { clipped, element, svgDocument, textAt } from './svg';

describe('SVG', () => {
  it('escapes what nodes and files are called', () => {
    expect(textAt(1.23456, 2, '<a> & "b"\u0000')).toBe(
      '<text x="1.23" y="2">&lt;a&gt; &amp; &quot;b&quot;\u{FFFD}</text>',
    );
    expect(element('g', { id: '"', hidden: undefined })).toBe('<g id="&quot;"></g>');
  });

  it('shows the part of the plane that is asked for', () => {
    expect(svgDocument({ width: 10, height: 20, left: -5, top: 3 }, '#fff')).toContain(
      'viewBox="-5 3 10 20"',
    );
  });

  it('cuts long texts', () => {
    expect(clipped('short', 100, 12)).toBe('short');
    expect(clipped('x'.repeat(100), 70, 12)).toHaveLength(10);
  });
});
