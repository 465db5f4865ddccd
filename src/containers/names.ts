import { randomInt } from "node:crypto";
import { exhausted } from "../base/errors.ts";

/*
 * Names for containers whose user gave none: an adjective and the surname of a scientist or engineer. Order means
 * nothing; a word in both lists would be harmless.
 */

const adjectives = `
  able ample apt ardent avid balmy blithe bold brave breezy bright brisk calm candid careful cheerful civil
  clear clever cosy crisp curious daring deft devoted dutiful eager earnest easy elated fair faithful fearless
  festive fine firm fleet fluent fond frank fresh friendly gallant gentle genial glad golden graceful gracious
  grand hardy hearty helpful honest humble jolly jovial joyful keen kind lively loyal lucid lucky mellow merry
  mighty mild modest neat nifty nimble noble patient peaceful placid plucky polite prompt proud prudent quick
  quiet quirky ready robust rosy serene shrewd silent sincere smart snug sober sound spirited spry stable steady
  stellar sturdy sunny swift tender thrifty tidy tranquil trusty upbeat vivid warm willing wise witty zesty
`
  .trim()
  .split(/\s+/);

const surnames = `
  abel ampere archimedes avogadro babbage banneker bardeen bernoulli bessel boole bose bouman brahe brunel
  carnot carson carver cauchy cavendish celsius chandrasekhar chladni curie dalton darwin davy dijkstra
  diophantus dirac edison eiffel einstein euclid euler faraday fermat fermi feynman fibonacci fleming foucault
  fourier franklin fresnel galilei galois galvani gauss gibbs goddard goedel haber halley hamilton hamming
  harrison heisenberg henry hertz herschel hilbert hopper hubble hypatia joule kelvin kepler khayyam kirchhoff
  kovalevskaya lagrange lamarr laplace lavoisier leavitt leibniz linnaeus lister lovelace marconi maxwell
  meitner mendel mendeleev morse nernst newton nightingale noether ohm oppenheimer pascal pasteur pauli planck
  poincare ptolemy ramanujan raman rayleigh riemann ritchie roentgen rutherford sagan salk schroedinger shannon
  siemens somerville stephenson stokes swan telford tesla thales torricelli turing vaughan venn volta watt
  weierstrass wilkes wren wright yalow yonath yukawa zuse
`
  .trim()
  .split(/\s+/);

const attempts = 6;

/**
 * A name that is not taken, such as `keen_noether`. Where the first few are taken a digit or more is added, as Docker
 * does; gives up as `exhausted` only when even long suffixes are taken.
 */
export function randomName(taken: (name: string) => boolean): string {
  for (let attempt = 0; attempt < attempts * 4; attempt++) {
    const base = `${pick(adjectives)}_${pick(surnames)}`;
    const name = attempt < attempts ? base : `${base}${randomInt(10 ** Math.min(9, attempt - attempts + 1))}`;
    if (!taken(name)) return name;
  }
  throw exhausted("could not find a free container name");
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)]!;
}
