// What tap's gate of 100 % is about: the folders from a value to its bytes and back. NBMA_COVERAGE=all reports all of
// lib/ (give --allow-incomplete-coverage then).
const folders = process.env.NBMA_COVERAGE === 'all' ? '**' : '{wire,schema,netlink,rtnl}/**'

export default () => `build/lib/${folders}/*.js`
