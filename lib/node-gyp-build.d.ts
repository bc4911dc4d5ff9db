declare module 'node-gyp-build' {
  /** Loads the binary of the package in a folder: a local build, or else the prebuild for this platform. */
  function load(folder: string): unknown
  export = load
}
