// dom.js: elements of HTML and SVG, made in one call.
const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const html = (tag, attributes = {}, ...children) =>
  fill(document.createElement(tag), attributes, children);

export const svg = (tag, attributes = {}, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

// A row of buttons of which one is pressed.
export function choice(label, options, chosen, onchoose) {
  const buttons = options.map(([value, text]) =>
    html('button', {
      type: 'button', 'aria-pressed': String(value === chosen),
      onclick: () => {
        buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(options[i][0] === value)));
        onchoose(value);
      },
    }, text));
  return html('div', { class: 'choice', role: 'group', 'aria-label': label },
    html('span', { class: 'label' }, label), ...buttons);
}
