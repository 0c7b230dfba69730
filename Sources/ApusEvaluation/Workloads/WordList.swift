/// Common English words: most vocabularies have each, with a space before it, as one token.
package enum WordList {
  package static let words = """
    the of and to in is was for that it on as with by at from his her this be are were have had not but or an they which
    one you all their has been would there when who will more if no out so up said what its about into than them can
    only other new some could time these two may then do first any my now such like our over man me even most made after
    also did many before must through back years where much your way well down should because each just those people how
    too little state good very make world still own see men work long get here between both life being under never day
    same another know while last might us great old year off come since against go came right used take three himself
    few house use during without again place around however home small found part once high general upon school every
    left number course war until always away something fact water though public less put think almost hand enough far
    took head yet government system set better told nothing night end why called find look going
    """.split { $0 == " " || $0 == "\n" }.map(String.init)
}
