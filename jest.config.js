'use strict'

module.exports = {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testEnvironment: '<rootDir>/test/environment.js',
  transform: { '\\.ts$': 'ts-jest' },
  testTimeout: 60_000, // for processes that tests start, on a busy machine and with sanitizers
  collectCoverageFrom: ['lib/**/*.ts']
}
