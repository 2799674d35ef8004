// Reads CSV text that arrives in pieces, with quotes and line ends as Python's csv module takes them.
// Line ends are LF, CRLF or CR. A cell that isn't wanted is not cut out, which makes large files quick.

const MAX_ROW = 2_000_000; // characters

class CsvReader {
  // onRow(cells) is called for each row that isn't blank. `wanted`: numbers of the columns that are read; else all are.
  constructor(delimiter, onRow, wanted = null) {
    this.delimiter = delimiter;
    this.onRow = onRow;
    this.wanted = wanted;
    this.last = wanted ? Math.max(...wanted) : Infinity;
    this.rest = "";
  }

  read(piece, isLast = false) {
    const text = this.rest + piece;
    let at = 0, newline = -1, carriage = -1, quote = -1;
    while (at < text.length) {
      if (newline < at) newline = find(text, "\n", at);
      if (carriage < at) carriage = find(text, "\r", at);
      if (quote < at) quote = find(text, '"', at);
      let end = Math.min(newline, carriage);
      let cells = null;
      if (quote < end) [cells, end] = this.cutQuoted(text, at, isLast);
      if (end === Infinity) {
        if (!isLast) break;
        end = text.length;
      }
      if (text[end] === "\r" && end + 1 === text.length && !isLast) break; // its "\n" may be in the next piece
      if (end > at) this.onRow(cells ?? this.cut(text, at, end));
      at = end + (text.startsWith("\r\n", end) ? 2 : 1);
    }
    this.rest = isLast ? "" : text.slice(at);
    if (this.rest.length > MAX_ROW) throw new Problem("A quotation mark in this file is never closed, so its rows can't be told apart.");
  }

  cut(text, at, end) {
    const cells = [];
    for (let column = 0; column <= this.last; column++) {
      let stop = text.indexOf(this.delimiter, at);
      if (stop < 0 || stop > end) stop = end;
      cells.push(!this.wanted || this.wanted.includes(column) ? text.slice(at, stop) : "");
      if (stop === end) break;
      at = stop + 1;
    }
    return cells;
  }

  // The cells of a row with quotes in it, and where it ends: at Infinity, if that is not in the text.
  cutQuoted(text, at, isLast) {
    const cells = [];
    for (;;) {
      let cell = "";
      if (text[at] === '"') {
        for (at += 1; ; at += 2) {
          const quote = find(text, '"', at);
          if (quote >= text.length - 1 && !isLast) return [null, Infinity]; // a second one may follow
          cell += text.slice(at, quote);
          at = Math.min(quote, text.length);
          if (text[at + 1] !== '"') break;
          cell += '"';
        }
        at += 1;
      }
      const start = at;
      while (at < text.length && text[at] !== this.delimiter && text[at] !== "\n" && text[at] !== "\r") at += 1;
      if (at >= text.length && !isLast) return [null, Infinity];
      cells.push(cell + text.slice(start, at));
      if (text[at] !== this.delimiter) return [cells, Math.min(at, text.length)];
      at += 1;
    }
  }
}

function find(text, character, from) {
  const at = text.indexOf(character, from);
  return at < 0 ? Infinity : at;
}

// What is wrong with a file, in a sentence for the person who chose it.
class Problem extends Error {}
