// What a browser makes of a page: run in a host page around the page in a frame, for
// 034_dashboard.pl.  Writes one line a finding, and "checked ..." at the end.
'use strict';

function luminance(rgb) {
	const [r, g, b] = rgb.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
	return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function colour(text) {
	const m = text.match(/rgba?\(([^)]*)\)/);
	const parts = m ? m[1].split(/[ ,/]+/).map(Number) : [0, 0, 0, 0];
	return { rgb: parts.slice(0, 3), opaque: parts.length < 4 || parts[3] === 1 };
}

function contrast(a, b) {
	const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
	return (high + 0.05) / (low + 0.05);
}

function ground(view, element) {
	for (let e = element; e; e = e.parentElement) {
		const c = colour(view.getComputedStyle(e).backgroundColor);
		if (c.opaque) return c.rgb;
	}
	return [255, 255, 255];
}

function describe(e) {
	return `${e.tagName.toLowerCase()}.${e.getAttribute('class') || ''} "${e.textContent.trim().slice(0, 40)}"`;
}

// Text that is drawn: not that of titles, of what is closed, and of what is for screen readers only.
function texts(doc, view) {
	const walker = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
	const found = new Set();
	while (walker.nextNode()) {
		const e = walker.currentNode.parentElement;
		if (walker.currentNode.data.trim() && !e.closest('title, caption') && e.checkVisibility())
			found.add(e);
	}
	return [...found];
}

// Nothing goes beyond its card or the page, or is cut off without an ellipsis.
function checkPlaces(doc, view, say) {
	const width = doc.documentElement.clientWidth;
	if (doc.documentElement.scrollWidth > width) say(`the page is ${doc.documentElement.scrollWidth} wide`);
	for (const e of texts(doc, view)) {
		const box = e.getBoundingClientRect();
		const card = (e.closest('.card, .tiles > div') || doc.body).getBoundingClientRect();
		const name = e.closest('.name, .detail');
		if (!name && (box.left < card.left || box.right > card.right || box.bottom > card.bottom)) say(`outside: ${describe(e)}`);
		const cell = e.closest('td, th');
		const inside = cell && !name && !e.closest('svg') ? e.getBoundingClientRect() : null;
		if (inside && (inside.left < cell.getBoundingClientRect().left - 0.5 || inside.right > cell.getBoundingClientRect().right + 0.5))
			say(`${Math.round(inside.right - cell.getBoundingClientRect().right)} px outside of its cell: ${describe(e)}`);
		if (name && name.scrollWidth > name.clientWidth && /dvk_[a-z]+_[0-9A-Za-z]{12}/.test(name.textContent)) say(`a key is cut: ${describe(name)}`);
		if (name && view.getComputedStyle(name).textOverflow !== 'ellipsis') say(`no ellipsis: ${describe(e)}`);
		// the scroll width of text in an SVG is no width: it grows with the place of the text
		if (!name && !e.closest('svg') && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0) say(`too wide: ${describe(e)}`);
	}
	for (const svg of doc.querySelectorAll('.chart')) {
		const labels = [...svg.querySelectorAll('text')].map(e => ({ e, box: e.getBoundingClientRect() }));
		for (const a of labels)
			for (const b of labels)
				if (a !== b && a.box.left < b.box.right && b.box.left < a.box.right && a.box.top < b.box.bottom - 2 && b.box.top < a.box.bottom - 2)
					say(`labels meet: ${a.e.textContent} and ${b.e.textContent}`);
	}
}

function checkContrast(doc, view, say) {
	let least = 21;
	for (const e of texts(doc, view)) {
		const style = view.getComputedStyle(e);
		const ratio = contrast(colour(e.closest('svg') ? style.fill : style.color).rgb, ground(view, e));
		least = Math.min(least, ratio);
		if (ratio < 4.5) say(`contrast ${ratio.toFixed(2)}: ${describe(e)}`);
	}
	for (const e of doc.querySelectorAll('.day:not(.today) rect:not(.room), .bar rect:not(.track), .key rect')) {
		const ratio = contrast(colour(view.getComputedStyle(e).fill).rgb, ground(view, e.closest('svg')));
		if (ratio < 3) say(`contrast ${ratio.toFixed(2)}: rect.${e.getAttribute('class')}`);
	}
	return least;
}

function check(frame, result) {
	const doc = frame.contentDocument, view = frame.contentWindow;
	const say = line => result.append(line + '\n');
	const dark = luminance(ground(view, doc.body)) < 0.5;
	checkPlaces(doc, view, say);
	const least = checkContrast(doc, view, say);
	result.append(`checked ${texts(doc, view).length > 20 ? 'a page' : 'nothing'}, ${dark ? 'dark' : 'light'}, ${doc.documentElement.clientWidth} wide, `
		+ `style ${view.getComputedStyle(doc.querySelector('.tiles')).display}, least contrast ${least.toFixed(2)}\n`);
	result.append(`text: ${doc.body.innerText.replace(/\s+/g, ' ')}\n`);
}
